"""What a variable that names a certificate gives besides its id (projects.md 5.5)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from deployments.library.certificates.facts import moment_of
from deployments.library.certificates.stored import open_file
from deployments.library.certificates.writing import (
    base64_text,
    der_of,
    key_der,
    key_pem,
    pem_of,
    pkcs12_of,
)
from deployments.library.models import Certificate
from deployments.library.part import Part

CERTIFICATE_PARTS: Final = (
    *("Type", "Name", "Thumbprint", "Subject", "SubjectCommonName", "Issuer"),
    *("NotBefore", "NotAfter", "Certificate", "CertificatePem", "ChainPem"),
    *("RawOriginal", "Password", "Pfx", "PrivateKey", "PrivateKeyPem"),
)


def certificate_parts(row: Certificate) -> tuple[Part, ...]:
    """Return the parts by their names; whatever holds the private key is a secret."""
    return tuple(_parts(row))


def _parts(row: Certificate) -> Iterator[Part]:
    file, facts = open_file(row), row.facts
    bundle, key = file.bundle, file.bundle.key
    yield Part("Type", "Certificate")
    yield Part("Name", row.name)
    yield Part("Thumbprint", row.thumbprint)
    yield Part("Subject", facts["SubjectDistinguishedName"])
    yield Part("SubjectCommonName", facts["SubjectCommonName"])
    yield Part("Issuer", facts["IssuerDistinguishedName"])
    yield Part("NotBefore", _moment(moment_of(facts["NotBefore"])))
    yield Part("NotAfter", _moment(moment_of(facts["NotAfter"])))
    yield Part("Certificate", base64_text(der_of(bundle.certificate)))
    yield Part("CertificatePem", pem_of(bundle.certificate))
    yield Part("ChainPem", pem_of(*bundle.chain))
    has_key = key is not None
    yield Part("RawOriginal", base64_text(file.original), has_key)
    yield Part("Password", file.password, is_sensitive=True)
    # As it was uploaded: whoever protected it by a password goes on needing it.
    pfx = pkcs12_of(bundle, row.name, file.password)
    yield Part("Pfx", base64_text(pfx), has_key)
    yield Part("PrivateKey", base64_text(key_der(key)) if key else "", is_sensitive=True)
    yield Part("PrivateKeyPem", key_pem(key) if key else "", is_sensitive=True)


def _moment(moment: datetime) -> str:
    """Return a moment as .NET writes it in full, such as `2026-06-15T13:45:30.0000000+00:00`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
