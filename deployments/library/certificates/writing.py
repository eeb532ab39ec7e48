"""Writing certificates: PEM, DER and PFX, with or without the private key."""

import base64
import re
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from deployments.library.certificates.files import Bundle, PrivateKey

# What Windows Server 2016 and OpenSSL 1.0 still open; newer systems open it as well.
_ROUNDS: Final = 20_000
_KEY_BITS: Final = 2048
_HOST: Final = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


def pem_of(*certificates: x509.Certificate) -> str:
    """Return the certificates in PEM, one after the other."""
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)


def der_of(certificate: x509.Certificate) -> bytes:
    """Return the certificate in DER."""
    return certificate.public_bytes(Encoding.DER)


def key_pem(key: PrivateKey, password: str = "") -> str:
    """Return the private key in PEM (PKCS#8), protected when there is a password."""
    form: KeySerializationEncryption = (
        BestAvailableEncryption(password.encode()) if password else NoEncryption()
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, form).decode()


def key_der(key: PrivateKey) -> bytes:
    """Return the private key in DER (PKCS#8)."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def pkcs12_of(bundle: Bundle, name: str, password: str = "", *, with_key: bool = True) -> bytes:
    """Return a PFX of the certificate with its chain, and its key if it has one."""
    key = bundle.key if with_key else None
    encryption: KeySerializationEncryption = NoEncryption()
    if password:
        encryption = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(_ROUNDS)
            .hmac_hash(hashes.SHA256())
            .build(password.encode())
        )
    return pkcs12.serialize_key_and_certificates(
        name.encode(),
        key,
        bundle.certificate,
        bundle.chain,
        encryption,
    )


def self_signed(*, common_name: str, organization: str, days: int, now: datetime) -> bytes:
    """Return a new certificate that issued itself, with its key, in PEM; good for so many days."""
    parts = [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name)]
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in parts if text])
    key = generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if _HOST.fullmatch(common_name):
        names = x509.SubjectAlternativeName([x509.DNSName(common_name)])
        builder = builder.add_extension(names, critical=False)
    return (key_pem(key) + pem_of(builder.sign(key, hashes.SHA256()))).encode()


def base64_text(data: bytes) -> str:
    """Return the bytes in base64 without line ends."""
    return base64.b64encode(data).decode()
