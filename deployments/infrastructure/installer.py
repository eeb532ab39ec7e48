"""The script that installs the agent, and the line that runs it on a machine."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

PATH = "/tentacle/install.sh"
_SCRIPT = Path(__file__).with_name("install.sh")
_LOCAL = {"127.0.0.1", "::1", "localhost"}


def install_script() -> str:
    """Return the shell script with this server's address in it."""
    server = _server()
    address = urlsplit(server)
    is_plain = address.scheme == "http" and address.hostname not in _LOCAL
    return (
        _SCRIPT.read_text(encoding="ascii")
        .replace("@SERVER@", shlex.quote(server), 1)
        .replace("@ALLOW_PLAIN@", "yes" if is_plain else "", 1)
    )


def install_command(
    token: str,
    environments: Sequence[str] = (),
    roles: Sequence[str] = (),
    *,
    pools: Sequence[str] = (),
) -> str:
    """Return the line that installs the agent, registers it and starts it as a service.

    With pools the machine becomes a worker. The token travels in the environment, where other users
    of the machine cannot read it.
    """
    options = ["--worker"] if pools else []
    for pool in pools:
        options += ["--workerpool", pool]
    for environment in environments:
        options += ["--environment", environment]
    for role in roles:
        options += ["--role", role]
    fetch = shlex.join(["curl", "-fsSL", _server() + PATH])
    return f"{fetch} | TENTACLE_TOKEN={token} sh -s -- {shlex.join(options)}"


def _server() -> str:
    return str(settings.OCTOPUS.server_url).rstrip("/")
