"""Reading uploaded certificates: PFX, PEM and DER, with what belongs to them."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.dsa import DSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from deployments.base.errors import Invalid
from deployments.library.certificates.unlocking import Locked, open_pkcs12, open_private_key

MOST_BYTES: Final = 1024 * 1024
MOST_CERTIFICATES: Final = 50
_DATA: Final = "CertificateData"
_PASSWORD: Final = "Password"  # noqa: S105 the name of a field
_BEGIN: Final = b"-----BEGIN "
_END: Final = b"-----END "
_BROKEN_KEY: Final = "The private key in the file cannot be read or is not supported."
PrivateKey = (
    RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey | DSAPrivateKey
)


class Format(StrEnum):
    """How a certificate was uploaded; the values of the wire."""

    PKCS12 = "Pkcs12"
    PEM = "Pem"
    DER = "Der"


@dataclass(frozen=True)
class Bundle:
    """A certificate, those that it was issued by (the nearest first), and its private key."""

    format: Format
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    key: PrivateKey | None = None


def read_bundle(data: bytes, password: str = "") -> Bundle:
    """Return what a file holds. Raises Invalid that says what is wrong with it."""
    if not data:
        raise _wrong("Choose the file of the certificate.")
    if len(data) > MOST_BYTES:
        raise _wrong("The file of a certificate may have at most 1 MiB.")
    if _BEGIN in (text := _as_ascii(data)):
        return _from_pem(text, password, Format.PEM)
    try:
        certificate = x509.load_der_x509_certificate(data)
    except ValueError:
        return _from_pkcs12(data, password)
    return Bundle(Format.DER, _checked(certificate))


def _wrong(text: str) -> Invalid:
    return Invalid(fields={_DATA: [text]})


def _as_ascii(data: bytes) -> bytes:
    """Return the text of a PEM file that an editor stored with a byte order mark."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode("ascii", "replace")
    return data.removeprefix(codecs.BOM_UTF8)


def _from_pkcs12(data: bytes, password: str) -> Bundle:
    # A sequence whose first member is the version 3: what every PFX begins with.
    if not (data[:1] == b"\x30" and b"\x02\x01\x03" in data[:10]):
        raise _wrong("This is no certificate: a PFX, PEM or DER file is expected.")
    try:
        pem = open_pkcs12(data, password)
    except Locked as error:
        raise Invalid(fields={_PASSWORD: [_locked("PFX", password)]}) from error
    return _from_pem(pem, "", Format.PKCS12)


def _from_pem(data: bytes, password: str, form: Format) -> Bundle:
    blocks = list(_blocks(data))
    keys = [block for name, block in blocks if name.endswith(b"PRIVATE KEY")]
    texts = [block for name, block in blocks if name in {b"CERTIFICATE", b"X509 CERTIFICATE"}]
    if not texts:
        what = "a private key, but no certificate" if keys else "no certificate"
        raise _wrong(f"The file has {what}.")
    if len(texts) > MOST_CERTIFICATES:
        raise _wrong(f"A file may have at most {MOST_CERTIFICATES} certificates.")
    if len(keys) > 1:
        raise _wrong("The file has several private keys; leave one in it.")
    certificates = [_load(block) for block in texts]
    key = _load_key(keys[0], password) if keys else None
    leaf = _own(certificates, key) if key else certificates[0]
    others = [each for each in certificates if each != leaf]
    return Bundle(form, leaf, tuple(in_order(leaf, others)), key)


def _blocks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the whole text of each block of a PEM file."""
    name, lines = b"", list[bytes]()
    for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        text = line.strip()
        if text.startswith(_BEGIN):
            name, lines = text.removeprefix(_BEGIN).removesuffix(b"-----"), []
        if name:
            lines.append(text)
            if text.startswith(_END):
                yield name, b"\n".join([*lines, b""])
                name = b""


def _load(block: bytes) -> x509.Certificate:
    try:
        return _checked(x509.load_pem_x509_certificate(block))
    except ValueError as error:
        raise _wrong("A certificate in the file cannot be read.") from error


def _checked(certificate: x509.Certificate) -> x509.Certificate:
    """Return a certificate whose parts that are read later can be read."""
    try:
        certificate.public_key()
        _ = certificate.subject, certificate.issuer, certificate.extensions
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise _wrong("The certificate has parts that are broken or not supported.") from error
    return certificate


def _load_key(block: bytes, password: str) -> PrivateKey:
    is_locked = b"ENCRYPTED" in block
    try:
        pem = open_private_key(block, password) if is_locked else block
        key = load_pem_private_key(pem, None)
    except Locked as error:
        raise Invalid(fields={_PASSWORD: [_locked("private key", password)]}) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid(fields={_DATA: [_BROKEN_KEY]}) from error
    if not isinstance(key, PrivateKey):
        raise Invalid(fields={_DATA: [_BROKEN_KEY]})
    return key


def _locked(what: str, password: str) -> str:
    if password:
        return f"The password does not open the {what}."
    return f"The {what} is protected by a password; enter it."


def _own(certificates: Sequence[x509.Certificate], key: PrivateKey) -> x509.Certificate:
    wanted = _public_bytes(key.public_key())
    for each in certificates:
        if _public_bytes(each.public_key()) == wanted:
            return each
    raise _wrong("The private key does not belong to a certificate of the file.")


def _public_bytes(key: Any) -> bytes:
    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def in_order(leaf: x509.Certificate, others: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return the others as they issued each other, from the leaf on; then what is left."""
    left = list(dict.fromkeys(others))
    ordered: list[x509.Certificate] = []
    current: x509.Certificate | None = leaf
    while current is not None:
        issuer = next((each for each in left if has_issued(each, current)), None)
        if issuer is not None:
            left.remove(issuer)
            ordered.append(issuer)
        current = issuer
    return [*ordered, *left]


def has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Tell whether the issuer has signed the certificate."""
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
