"""The system's own certificate authority: who the broker, the proxy, the services and the devices are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from deploy.compose.private_files import write_private

AUTHORITY_DAYS = 20 * 365
SERVER_DAYS = 397
"""The longest that browsers and phones accept."""
CLIENT_DAYS = 5 * 365
RENEWED_BEFORE = timedelta(days=60)

_CLOCKS_DIFFER = timedelta(minutes=5)
_LONGEST_COMMON_NAME = 64


class NameTooLongError(ValueError):
    """A certificate has no room for the name."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Issues certificates.

    Args:
        certificate: whom everybody believes.
        key: what it signs with.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def kept_in(cls, folder: Path) -> "Authority":
        """The authority whose files are in a folder; a new one where there is none."""
        certificate, key = folder / "ca.pem", folder / "ca.key"
        if not key.exists():
            made = cls._made()
            write_private(certificate, made.pem)
            write_private(key, _key_pem(made.key))
        loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{key} is no key on an elliptic curve")
        return cls(x509.load_pem_x509_certificate(certificate.read_bytes()), loaded)

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def server(self, hosts: Sequence[str]) -> tuple[bytes, bytes]:
        """Certificate and key of a server that is reached by these names and addresses."""
        names = [_general_name(host) for host in hosts]
        return self._issue(hosts[0], SERVER_DAYS, ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, name: str) -> tuple[bytes, bytes]:
        """Certificate and key of a client that the broker knows by this name."""
        return self._issue(name, CLIENT_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH)

    def device(self, grid_id: str, device_id: str) -> tuple[bytes, bytes]:
        """Certificate and key of a device.

        Raises:
            NameTooLongError: the two identifiers have more than 56 characters together.
        """
        return self.client(f"{grid_id}/device/{device_id}")

    def no_revocations(self) -> bytes:
        """The list of revoked certificates, empty: the broker refuses everybody where there is no list."""
        now = datetime.now(UTC)
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - _CLOCKS_DIFFER)
            .next_update(self.certificate.not_valid_after_utc)
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    @classmethod
    def _made(cls) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Microgrid monitor")
        certificate = (
            _builder(name, name, key, AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def _issue(
        self, name: str, days: int, purpose: x509.ObjectIdentifier, hosts: Sequence[x509.GeneralName] = ()
    ) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(name), self.certificate.subject, key, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key)


def is_good(certificate: Path, authority: Authority, hosts: Sequence[str] = ()) -> bool:
    """Whether a certificate is there, by this authority, for these hosts, and for some time to come."""
    if not certificate.exists():
        return False
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    try:
        found.verify_directly_issued_by(authority.certificate)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is made
        return False
    return _hosts_of(found) == set(hosts) and (found.not_valid_after_utc - datetime.now(UTC) > RENEWED_BEFORE)


def _hosts_of(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(common_name: str) -> x509.Name:
    if len(common_name) > _LONGEST_COMMON_NAME:
        raise NameTooLongError(f"{common_name!r} has more than {_LONGEST_COMMON_NAME} characters")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
