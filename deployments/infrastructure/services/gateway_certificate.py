"""The certificate of the gateways: given by settings, or self-signed once and shared by all."""

import hashlib
import os
import ssl
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, transaction

from deployments.base.clock import utc_now
from deployments.base.models import ServerSetting
from deployments.base.secrets import open_text, seal_text

_KEY = "gateway.certificate"
_PLACE = "setting:gateway.certificate"
_YEARS = 10


def certificate_pem() -> str:
    """Return the certificate that agents pin; made on first use."""
    given = os.environ.get("OCTOPUS_GATEWAY_CERTIFICATE")
    if given:
        return Path(given).read_text(encoding="ascii")
    return str(_shared_pair()["certificate"])


def thumbprint() -> str:
    """Return the SHA-256 of the certificate in hexadecimal."""
    certificate = x509.load_pem_x509_certificate(certificate_pem().encode())
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def server_context() -> ssl.SSLContext:
    """Return the TLS context that the gateway listens with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    given = os.environ.get("OCTOPUS_GATEWAY_CERTIFICATE")
    if given:
        context.load_cert_chain(given, os.environ.get("OCTOPUS_GATEWAY_CERTIFICATE_KEY") or given)
        return context
    pair = _shared_pair()
    key = open_text(pair["sealed_key"], place=_PLACE).reveal()
    # OpenSSL reads files only; this one is in memory, so that the key never is on a disk.
    with os.fdopen(os.memfd_create("gateway"), "w", encoding="ascii") as file:
        file.write(key + pair["certificate"])
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def _shared_pair() -> dict[str, str]:
    row = ServerSetting.objects.filter(key=_KEY).first()
    if row is None:
        try:
            with transaction.atomic():
                row = ServerSetting.objects.create(key=_KEY, value=_new_pair())
        except IntegrityError:
            row = ServerSetting.objects.get(key=_KEY)
    return dict(row.value)


def _new_pair() -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Octopus gateway")])
    now = utc_now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "sealed_key": seal_text(key_pem.decode(), place=_PLACE),
    }
