"""What a certificate says of itself, as it is kept beside the sealed file and shown; pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from deployments.library.certificates.files import Bundle, has_issued

_MOST_NAMES: Final = 200


def facts_of(bundle: Bundle) -> dict[str, Any]:
    """Return the facts by their names on the wire."""
    return {
        **facts_of_certificate(bundle.certificate),
        "CertificateDataFormat": str(bundle.format),
        "HasPrivateKey": bundle.key is not None,
        "ChainIsComplete": is_chain_complete(bundle.certificate, bundle.chain),
        "SubjectAlternativeNames": alternative_names(bundle.certificate),
        "CertificateChain": [facts_of_certificate(each) for each in bundle.chain],
    }


def facts_of_certificate(certificate: x509.Certificate) -> dict[str, Any]:
    """Return what stands in one certificate."""
    subject, issuer = certificate.subject, certificate.issuer
    return {
        "SubjectDistinguishedName": distinguished_name(subject),
        "SubjectCommonName": _first(subject, NameOID.COMMON_NAME),
        "SubjectOrganization": _first(subject, NameOID.ORGANIZATION_NAME),
        "IssuerDistinguishedName": distinguished_name(issuer),
        "IssuerCommonName": _first(issuer, NameOID.COMMON_NAME),
        "IssuerOrganization": _first(issuer, NameOID.ORGANIZATION_NAME),
        "SelfSigned": has_issued(certificate, certificate),
        "Thumbprint": thumbprint(certificate),
        "NotBefore": certificate.not_valid_before_utc.isoformat(),
        "NotAfter": certificate.not_valid_after_utc.isoformat(),
        "Version": certificate.version.value + 1,
        "SerialNumber": f"{certificate.serial_number:X}",
        "SignatureAlgorithmName": _algorithm(certificate),
    }


def thumbprint(certificate: x509.Certificate) -> str:
    """Return the SHA-1 of the certificate in hexadecimal, as Octopus and Windows name it."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 a name, no protection


def distinguished_name(name: x509.Name) -> str:
    """Return the name from its most special part on, such as `CN=shop.example.com, O=Acme`."""
    return ", ".join(part.rfc4514_string() for part in reversed(list(name.rdns)))


def alternative_names(certificate: x509.Certificate) -> list[str]:
    """Return the host names, addresses and others that the certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    names = [str(getattr(each, "value", "")) for each in found.value]
    return [name[:500] for name in names if name][:_MOST_NAMES]


def is_chain_complete(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> bool:
    """Tell whether the chain leads to a certificate that issued itself."""
    current = certificate
    for issuer in chain:
        if not has_issued(issuer, current):
            break
        current = issuer
    return has_issued(current, current)


def days_left(not_after: datetime, now: datetime) -> int:
    """Return the whole days until the certificate expires; negative when it has."""
    return int((not_after - now).total_seconds() // 86_400)


def moment_of(text: str) -> datetime:
    """Return a moment that the facts have."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _first(name: x509.Name, kind: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(kind)
    return str(found[0].value) if found else ""


def _algorithm(certificate: x509.Certificate) -> str:
    oid = certificate.signature_algorithm_oid
    return str(getattr(oid, "_name", oid.dotted_string))
