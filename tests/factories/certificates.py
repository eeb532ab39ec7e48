"""Certificates: issuers, hosts, their files, and rows of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from deployments.base.clock import utc_now
from deployments.infrastructure.models import Environment
from deployments.library.models import Certificate
from deployments.library.services import Restrictions
from deployments.library.services.certificates import (
    CertificateInput,
    UploadedFile,
    create_certificate,
)
from deployments.library.tenancy import Tenancy
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and who issued it."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey
    issuer: "Issued | None" = None

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain(self) -> list["Issued"]:
        return [self.issuer, *self.issuer.chain] if self.issuer else []

    def key_pem(self, password: str = "") -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _sealing(password))

    def pfx(self, password: str = "") -> bytes:
        """Return a PFX of the certificate with its key and chain."""
        chain = [each.certificate for each in self.chain]
        return pkcs12.serialize_key_and_certificates(
            b"site", self.key, self.certificate, chain, _sealing(password)
        )

    def pem_file(self, password: str = "") -> bytes:
        """Return key, certificate and chain in one PEM file."""
        return self.key_pem(password) + b"".join(each.pem for each in (self, *self.chain))


def issue(
    name: str = "shop.example.com",
    issuer: Issued | None = None,
    *,
    days: float = 90,
    hosts: Sequence[str] = (),
    start: datetime | None = None,
) -> Issued:
    """Issue a certificate, by itself unless told, good for so many days from now."""
    key, now = generate_private_key(SECP256R1()), start or utc_now()
    own = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer.certificate.subject if issuer else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return Issued(builder.sign((issuer or _Own(key)).key, hashes.SHA256()), key, issuer)


@dataclass(frozen=True)
class _Own:
    key: EllipticCurvePrivateKey


@cache
def site() -> Issued:
    """Return a certificate of a site, issued by an intermediate of a root; made once."""
    root = issue("Acme Root", days=3650)
    between = issue("Acme Issuing", root, days=1000)
    return issue(issuer=between, hosts=["shop.example.com", "www.shop.example.com"])


def make_certificate(
    name: str = "Shop",
    *,
    data: bytes | None = None,
    password: str = "",
    environments: Sequence[Environment] = (),
    tenancy: Tenancy | None = None,
    **more: Any,
) -> Certificate:
    """Upload a certificate; the site's with chain and key unless told."""
    return create_certificate(
        actor=SYSTEM,
        space=default_space(),
        certificate=CertificateInput(
            name, restrictions=Restrictions([row.pk for row in environments], tenancy)
        ),
        file=UploadedFile(site().pem_file() if data is None else data, password),
        **more,
    )


def _sealing(password: str) -> KeySerializationEncryption:
    return BestAvailableEncryption(password.encode()) if password else NoEncryption()
