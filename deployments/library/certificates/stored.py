"""The sealed file of a certificate: the uploaded bytes, the password, and what was read from it.

What was read is kept in clear inside the seal, so that no password is tried again to use it.
"""

import base64
import json
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deployments.base.secrets import secret_box
from deployments.library.certificates.files import Bundle, Format, PrivateKey
from deployments.library.certificates.writing import key_pem, pem_of
from deployments.library.models import Certificate


@dataclass(frozen=True, repr=False)
class StoredFile:
    """The file as it was uploaded, its password, and what is in it."""

    original: bytes
    password: str
    bundle: Bundle


def seal_file(row: Certificate, file: StoredFile) -> bytes:
    """Return the file as it is stored in the row, which has its number."""
    bundle = file.bundle
    document = {
        "original": base64.b64encode(file.original).decode(),
        "password": file.password,
        "certificates": pem_of(bundle.certificate, *bundle.chain),
        "key": key_pem(bundle.key) if bundle.key else "",
    }
    return secret_box().seal(json.dumps(document), place=row.secret_place)


def open_file(row: Certificate) -> StoredFile:
    """Return the stored file; for the server's own use and for exports."""
    if row.sealed_file is None:
        raise TypeError(f"{row.public_id} is not stored.")
    text = secret_box().open(bytes(row.sealed_file), place=row.secret_place).reveal()
    document = json.loads(text)
    certificate, *chain = x509.load_pem_x509_certificates(document["certificates"].encode())
    form = Format(row.facts["CertificateDataFormat"])
    bundle = Bundle(form, certificate, tuple(chain), _key(document["key"]))
    return StoredFile(base64.b64decode(document["original"]), document["password"], bundle)


def _key(pem: str) -> PrivateKey | None:
    if not pem:
        return None
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, PrivateKey):
        raise TypeError("a stored key is of no kind that is stored")
    return key
