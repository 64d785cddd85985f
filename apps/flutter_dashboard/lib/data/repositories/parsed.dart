import '../../domain/result.dart';

/// What [parse] makes of an answer; [Unintelligible] where it is not in the form that was agreed on.
Result<T> parsed<T>(Result<Object?> result, T Function(Object? answer) parse) {
  switch (result) {
    case Ok(:final value):
      try {
        return Ok(parse(value));
      } on FormatException {
        return const Failed(Unintelligible());
      }
    case Failed(:final failure):
      return Failed(failure);
  }
}

/// What [read] makes of something that was kept; null where an earlier version kept it in another form.
T? orNull<T>(T Function() read) {
  try {
    return read();
  } on FormatException {
    return null;
  }
}
