"""Opening what a password protects, in a process of its own with a limit.

How long the opening takes says the file itself, by the number of its rounds: up to hours of
processor time. Run as a module, this reads a request from its input and answers in clear.
"""

import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any, Final

from deployments.base.errors import Invalid

_SECONDS: Final = 20
_PROCESSOR_SECONDS: Final = 10
_ROOT: Final = Path(__file__).resolve().parents[3]
_TOO_LONG: Final = "Opening this takes too long: it was protected with too many rounds."


class Locked(Exception):
    """The password does not open it, or none was given."""


def open_pkcs12(data: bytes, password: str) -> bytes:
    """Return the key, if any, and the certificates of a PFX as PEM. Raises Locked, Invalid."""
    return _asked("pkcs12", data, password)


def open_private_key(data: bytes, password: str) -> bytes:
    """Return a protected private key as PEM in clear. Raises Locked, Invalid."""
    return _asked("key", data, password)


def _asked(kind: str, data: bytes, password: str) -> bytes:
    request = {
        "kind": kind,
        "data": b64encode(data).decode(),
        "password": password,
        "seconds": _PROCESSOR_SECONDS,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path]), "PATH": os.defpath},
        )
    except subprocess.TimeoutExpired as error:
        raise Invalid(_TOO_LONG) from error
    if done.returncode < 0:
        raise Invalid(_TOO_LONG)
    if done.returncode:
        raise RuntimeError(f"opening a file failed: {done.stderr[-500:]!r}")
    answer: dict[str, Any] = json.loads(done.stdout)
    if answer["problem"] == "locked":
        raise Locked
    if answer["problem"]:
        raise Invalid(answer["problem"])
    return b64decode(answer["pem"])


def _main() -> None:
    import resource  # noqa: PLC0415 not on every system, and needed here only

    request = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (request["seconds"], request["seconds"]))
    open_it = {"pkcs12": _pkcs12, "key": _key}[request["kind"]]
    problem, pem = open_it(b64decode(request["data"]), request["password"].encode() or None)
    json.dump({"problem": problem, "pem": b64encode(pem).decode()}, sys.stdout)


def _pkcs12(data: bytes, password: bytes | None) -> tuple[str, bytes]:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 of the child alone
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 as above
        Encoding,
        NoEncryption,
        PrivateFormat,
        pkcs12,
    )

    try:
        found = pkcs12.load_pkcs12(data, password)
    except UnsupportedAlgorithm:
        return "The PFX is protected in a way that is not supported.", b""
    except ValueError as error:
        # One without a password may have been made with an empty one, which is not the same.
        if password is None:
            return _pkcs12(data, b"")
        is_locked = "password" in str(error).lower()
        return ("locked" if is_locked else "This is no PFX that can be read."), b""
    parts = []
    if found.key is not None:
        form = PrivateFormat.PKCS8
        parts.append(found.key.private_bytes(Encoding.PEM, form, NoEncryption()))
    certificates = [found.cert, *found.additional_certs]
    parts += [each.certificate.public_bytes(Encoding.PEM) for each in certificates if each]
    return "", b"".join(parts)


def _key(data: bytes, password: bytes | None) -> tuple[str, bytes]:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 of the child alone
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 as above
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(data, password)
    except TypeError:
        return ("locked" if password is None else "The private key has no password."), b""
    except UnsupportedAlgorithm:
        return "This kind of private key is not supported.", b""
    except ValueError:
        is_locked = password is not None and b"ENCRYPTED" in data
        return ("locked" if is_locked else "The private key cannot be read. Is it whole?"), b""
    return "", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


if __name__ == "__main__":
    _main()
