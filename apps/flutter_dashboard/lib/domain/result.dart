/// How something ended that may fail in ways the app has to live with.
///
/// Mistakes in the program are not among them: those are thrown.
sealed class Result<T> {
  const Result();
}

/// It succeeded.
final class Ok<T> extends Result<T> {
  const Ok(this.value);

  final T value;
}

/// It failed.
final class Failed<T> extends Result<T> {
  const Failed(this.failure);

  final Failure failure;
}

/// Why something failed.
sealed class Failure {
  const Failure();
}

/// The server was not reached, or did not answer in time.
final class Unreachable extends Failure {
  const Unreachable();
}

/// The server answered that it cannot, or will not.
final class Refused extends Failure {
  const Refused(this.status, this.detail, {this.isForNow = false});

  /// The HTTP status, 400 to 599.
  final int status;

  /// What the server says about it, for a person; empty when it says nothing.
  final String detail;

  /// Whether the server says that the same will do later (`Retry-After`).
  final bool isForNow;
}

/// The login has ended: somebody has to sign in again.
final class LoginEnded extends Failure {
  const LoginEnded();
}

/// What came is not in the form that was agreed on.
final class Unintelligible extends Failure {
  const Unintelligible();
}
