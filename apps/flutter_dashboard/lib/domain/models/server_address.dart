/// What is wrong with an address.
enum AddressProblem {
  /// It is none.
  none,

  /// It would send passwords unencrypted over a network.
  unencrypted,
}

/// Says that an address cannot be used.
class AddressException extends FormatException {
  const AddressException(this.problem, String text)
    : super('https://… was expected', text);

  final AddressProblem problem;
}

/// Where the API is.
///
/// Throws [AddressException] for an address that is none, or that would send passwords unencrypted over a network.
Uri serverAddress(String text) {
  final address = Uri.tryParse(text.trim());
  if (address == null ||
      address.host.isEmpty ||
      !{'http', 'https'}.contains(address.scheme)) {
    throw AddressException(AddressProblem.none, text);
  }
  if (address.scheme == 'http' && !_isLoopback(address.host)) {
    throw AddressException(AddressProblem.unencrypted, text);
  }
  return Uri(scheme: address.scheme, host: address.host, port: address.port);
}

bool _isLoopback(String host) =>
    host == 'localhost' || host == '127.0.0.1' || host == '::1';
