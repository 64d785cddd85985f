/// Where the API is.
///
/// Throws [FormatException] for an address that is none, or that would send passwords unencrypted over a network.
Uri serverAddress(String text) {
  final address = Uri.parse(text.trim());
  if (address.host.isEmpty || !{'http', 'https'}.contains(address.scheme)) {
    throw FormatException('https://… was expected', text);
  }
  if (address.scheme == 'http' && !_isLoopback(address.host)) {
    throw FormatException('only https:// beyond this machine', text);
  }
  return Uri(scheme: address.scheme, host: address.host, port: address.port);
}

bool _isLoopback(String host) =>
    host == 'localhost' || host == '127.0.0.1' || host == '::1';
