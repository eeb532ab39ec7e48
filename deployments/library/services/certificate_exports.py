"""Certificates as files to take away; the private key needs a permission of its own."""

from dataclasses import dataclass
from typing import Final

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.library.certificates.files import Bundle, Format
from deployments.library.certificates.stored import StoredFile, open_file
from deployments.library.certificates.writing import der_of, key_pem, pem_of, pkcs12_of
from deployments.library.models import Certificate

PEM_PARTS: Final = ("PrimaryOnly", "PrimaryAndChain", "ChainOnly")
_TYPES: Final = {
    Format.PKCS12: ("pfx", "application/x-pkcs12"),
    Format.PEM: ("pem", "application/x-pem-file"),
    Format.DER: ("cer", "application/pkix-cert"),
}


@dataclass(frozen=True, slots=True, repr=False)
class ExportWish:
    """How the file shall be. An empty format is the file as it was uploaded."""

    format: str = ""
    with_key: bool = False
    pem_parts: str = PEM_PARTS[0]
    password: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ExportedFile:
    """A file with its name and type of content."""

    data: bytes
    name: str
    content_type: str


def export_certificate(*, actor: Actor, row: Certificate, wish: ExportWish) -> ExportedFile:
    """Return the certificate as a file. Raises Invalid for a format that has no such parts."""
    require_on(actor, row, Permission.CertificateView)
    if wish.format and wish.format not in list(Format):
        raise Invalid(fields={"Format": [f"Format must be one of {', '.join(Format)}."]})
    if wish.pem_parts not in PEM_PARTS:
        text = f"PemOptions must be one of {', '.join(PEM_PARTS)}."
        raise Invalid(fields={"PemOptions": [text]})
    gives_key = row.has_private_key and (wish.with_key or not wish.format)
    if gives_key:
        require_on(actor, row, Permission.CertificateExportPrivateKey)
    elif wish.with_key:
        raise Invalid(fields={"IncludePrivateKey": ["This certificate has no private key."]})
    file = open_file(row)
    data = _written(row, file, wish) if wish.format else file.original
    form = Format(wish.format) if wish.format else file.bundle.format
    ending, content_type = _TYPES[form]
    if gives_key:
        events.record(
            actor=actor,
            space=row.space,
            category="CertificatePrivateKeyExported",
            message=f"The private key of the certificate {row.name} was exported",
            subject=row.public_id,
        )
    name = "".join(each if each.isalnum() or each in "-_." else "_" for each in row.name)
    return ExportedFile(data, f"{name}.{ending}", content_type)


def _written(row: Certificate, file: StoredFile, wish: ExportWish) -> bytes:
    bundle = file.bundle
    if wish.format == Format.PKCS12:
        return pkcs12_of(bundle, row.name, wish.password, with_key=wish.with_key)
    if wish.format == Format.PEM:
        return _pem(bundle, wish).encode()
    if wish.with_key:
        raise Invalid(fields={"IncludePrivateKey": ["A DER file has no private key."]})
    return der_of(bundle.certificate)


def _pem(bundle: Bundle, wish: ExportWish) -> str:
    primary = () if wish.pem_parts == "ChainOnly" else (bundle.certificate,)
    chain = () if wish.pem_parts == "PrimaryOnly" else bundle.chain
    key = key_pem(bundle.key, wish.password) if wish.with_key and bundle.key else ""
    return key + pem_of(*primary, *chain)
