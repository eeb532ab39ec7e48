"""A real directory (OpenLDAP's slapd) with people and groups, with and without TLS."""

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import ldap3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.processes import Processes, free_port

BASE = "dc=example,dc=org"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "root of the tests"
SERVICE, SERVICE_PASSWORD = f"cn=octopus,{BASE}", "service of the tests"
PASSWORD = "correct horse (*)\\00"
_MODULES = Path("/usr/lib/ldap")
_SCHEMAS = Path("/etc/ldap/schema")
_CONFIGURATION = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSVerifyClient never
database mdb
suffix "{base}"
rootdn "{root}"
rootpw "{root_password}"
directory {folder}/data
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by * none
"""


@dataclass
class LdapServer:
    """A running directory; `certificate` is the PEM text of its own authority."""

    port: int
    tls_port: int
    certificate: str

    @contextlib.contextmanager
    def root(self) -> Iterator[Any]:
        """Give a connection that may change everything."""
        server = ldap3.Server("127.0.0.1", port=self.port, get_info=ldap3.NONE)
        options = {"raise_exceptions": True, "check_names": False}
        connection = ldap3.Connection(server, ROOT, ROOT_PASSWORD, **options)
        try:
            connection.bind()
            yield connection
        finally:
            connection.unbind()

    def person(self, uid: str, **attributes: Any) -> str:
        """Add a person, or put one back as new; return the distinguished name."""
        dn = f"uid={uid},{PEOPLE}"
        with self.root() as connection:
            _drop(connection, dn)
            values = {"sn": uid, "cn": uid.title(), "uid": uid, "userPassword": PASSWORD}
            connection.add(dn, ["inetOrgPerson"], values | attributes)
        return dn

    def group(self, name: str, *members: str) -> str:
        """Add a group, or say anew who is in it; return the distinguished name."""
        dn = f"cn={name},{GROUPS}"
        with self.root() as connection:
            _drop(connection, dn)
            connection.add(dn, ["groupOfNames"], {"cn": name, "member": list(members)})
        return dn

    def change(self, dn: str, **values: str) -> None:
        """Give an entry other values."""
        with self.root() as connection:
            changes = {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in values.items()}
            connection.modify(dn, changes)

    def empty(self) -> None:
        """Take away all people and groups."""
        with self.root() as connection:
            for base in (PEOPLE, GROUPS):
                connection.search(base, "(cn=*)", attributes=["1.1"])
                for dn in [each["dn"] for each in connection.response]:
                    _drop(connection, dn)

    def remove(self, dn: str) -> None:
        """Take an entry away."""
        with self.root() as connection:
            _drop(connection, dn)


@pytest.fixture(scope="session")
def ldap_server(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> LdapServer:
    """Start a directory whose certificate is for `localhost`."""
    program = shutil.which("slapd", path="/usr/sbin:/usr/bin")
    assert program, "slapd is not installed (tests/tools/install.py)"
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "data").mkdir()
    certificate = _certificate(folder)
    configuration = folder / "slapd.conf"
    text = _CONFIGURATION.format(
        schemas=_SCHEMAS,
        modules=_MODULES,
        folder=folder,
        base=BASE,
        root=ROOT,
        root_password=ROOT_PASSWORD,
        service=SERVICE,
    )
    configuration.write_text(text, encoding="utf-8")
    server = LdapServer(free_port(), free_port(), certificate)
    urls = f"ldap://127.0.0.1:{server.port} ldaps://127.0.0.1:{server.tls_port}"
    process = session_processes.start(
        "slapd", [program, "-d", "0", "-h", urls, "-f", str(configuration)]
    )
    process.wait_for_port(server.tls_port)
    _fill(server)
    return server


def _fill(server: LdapServer) -> None:
    with server.root() as connection:
        connection.add(BASE, ["dcObject", "organization"], {"dc": "example", "o": "Example"})
        for dn in (PEOPLE, GROUPS):
            connection.add(dn, ["organizationalUnit"])
        account = {"cn": "octopus", "userPassword": SERVICE_PASSWORD}
        connection.add(SERVICE, ["organizationalRole", "simpleSecurityObject"], account)


def _drop(connection: Any, dn: str) -> None:
    with contextlib.suppress(ldap3.core.exceptions.LDAPNoSuchObjectResult):
        connection.delete(dn)


def _certificate(folder: Path) -> str:
    """Write a key and a certificate that is its own authority; return the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a directory of the tests")])
    now = dt.datetime.now(tz=dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.9"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(pem)
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem.decode()
