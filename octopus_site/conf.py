"""Settings from environment variables, typed; a secret may also come from NAME_FILE."""

import base64
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

MASTER_KEY_BYTES = 32
KEY_FILE = "master.key"
OLD_KEY_FILE = "master.key.old"
LARGEST_PORT = 65535
MOST_PROCESSES = 64
LONGEST_SOCKET_PATH = 99
_TWO_YEARS_S = 63_072_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigurationError(SystemExit):
    """A setting is wrong; the process ends with one clear line."""

    def __init__(self, message: str) -> None:
        super().__init__(f"octopus-server: {message}")


@dataclass(frozen=True)
class Configuration:
    """The settings of one server, as its processes share them."""

    data_dir: Path
    web_port: int
    gateway_port: int
    web_processes: int
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    storage_url: str
    server_url: str
    master_key: bytes = field(repr=False)
    node_name: str
    s3_access_key: str = ""
    s3_secret_key: str = field(default="", repr=False)
    feed_folders: tuple[str, ...] = ()
    other_master_keys: tuple[bytes, ...] = field(default=(), repr=False)
    hsts_seconds: int = 0
    storage_other_url: str = ""
    send_files: str = ""
    # Those that addresses which people wrote may lead to; None: all.
    private_networks: tuple[Network, ...] | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """Read and check all settings; raises ConfigurationError."""
    data_dir = Path(environment.get("OCTOPUS_DATA_DIR", "data")).absolute()
    web_port = _port(environment, "OCTOPUS_WEB_PORT", 8080)
    return Configuration(
        data_dir=data_dir,
        web_port=web_port,
        gateway_port=_port(environment, "OCTOPUS_GATEWAY_PORT", 10943),
        web_processes=_processes(environment, "OCTOPUS_WEB_PROCESSES", 2),
        database_url=secret(environment, "OCTOPUS_DATABASE_URL")
        or f"sqlite:///{quote(str(data_dir / 'octopus.sqlite3'))}",
        redis_url=secret(environment, "OCTOPUS_REDIS_URL") or _child_redis_url(data_dir),
        storage_url=environment.get("OCTOPUS_STORAGE_URL") or (data_dir / "storage").as_uri(),
        server_url=(environment.get("OCTOPUS_SERVER_URL") or f"http://127.0.0.1:{web_port}").rstrip(
            "/"
        ),
        master_key=_master_key(environment, data_dir),
        node_name=environment.get("OCTOPUS_NODE_NAME") or os.uname().nodename,
        s3_access_key=secret(environment, "OCTOPUS_S3_ACCESS_KEY"),
        s3_secret_key=secret(environment, "OCTOPUS_S3_SECRET_KEY"),
        feed_folders=tuple(
            folder for folder in environment.get("OCTOPUS_FEED_FOLDERS", "").split(":") if folder
        ),
        other_master_keys=_other_master_keys(environment, data_dir),
        hsts_seconds=_seconds(environment, "OCTOPUS_HSTS_SECONDS"),
        storage_other_url=environment.get("OCTOPUS_STORAGE_OTHER_URL", ""),
        send_files=_one_of(environment, "OCTOPUS_SEND_FILES", ("x-accel-redirect", "x-sendfile")),
        private_networks=_networks(environment, "OCTOPUS_PRIVATE_NETWORKS"),
    )


def uploads_folder(data_dir: Path) -> Path:
    """Create and return the folder where request bodies are spooled."""
    folder = data_dir / "uploads"
    try:
        # It holds the database, so other users of the machine have nothing to look for there.
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True)
        (data_dir / "static").mkdir(exist_ok=True)  # WhiteNoise warns when it is missing
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {data_dir} cannot be written: {error.strerror}. Set OCTOPUS_DATA_DIR."
        ) from error
    return folder


def secret(environment: Mapping[str, str], name: str) -> str:
    """Return the value of NAME, or the stripped content of the file named by NAME_FILE."""
    if environment.get(name):
        return environment[name]
    path = environment.get(f"{name}_FILE")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{name}_FILE cannot be read: {error}.") from error


def database_settings(url: str) -> dict[str, object]:
    """Turn a database URL (sqlite:///path or postgresql://…) into Django's settings."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"OCTOPUS_DATABASE_URL is not an address: {error}.") from error
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "deployments.base.sqlite",
            "NAME": unquote(parts.path),
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                " PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;",
            },
        }
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ConfigurationError("OCTOPUS_DATABASE_URL must start with sqlite:// or postgresql://.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "octopus",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or _query(parts.query, "host")),
        "PORT": str(port or ""),
        "OPTIONS": {"application_name": "octopus"},
    }


def _query(text: str, name: str) -> str:
    pairs = (pair.partition("=") for pair in text.split("&"))
    return next((unquote(value) for key, _, value in pairs if key == name), "")


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "") or str(default)
    if not text.isdecimal() or not 0 < int(text) <= LARGEST_PORT:
        raise ConfigurationError(f"{name} must be a port number from 1 to 65535, not {text!r}.")
    return int(text)


def _processes(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "") or str(default)
    if not text.isdecimal() or not 0 < int(text) <= MOST_PROCESSES:
        raise ConfigurationError(f"{name} must be from 1 to {MOST_PROCESSES}, not {text!r}.")
    return int(text)


def _child_redis_url(data_dir: Path) -> str:
    return f"unix://{quote(str(redis_socket(data_dir)))}"


def redis_socket(data_dir: Path) -> Path:
    """Return the socket of the embedded Redis; short enough for the kernel's limit."""
    path = data_dir / "redis.sock"
    if len(str(path)) <= LONGEST_SOCKET_PATH:
        return path
    import hashlib  # noqa: PLC0415 needed for unusually long paths only

    short = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return Path(f"/tmp/octopus-{os.getuid()}-{short}.sock")  # noqa: S108 a socket, mode 0700


def _seconds(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "") or "0"
    if not (text.isascii() and text.isdecimal()) or int(text) > _TWO_YEARS_S:
        raise ConfigurationError(
            f"{name} must be seconds from 0 to {_TWO_YEARS_S} (two years), not {text!r}."
        )
    return int(text)


def _networks(environment: Mapping[str, str], name: str) -> tuple[Network, ...] | None:
    text = environment.get(name, "").strip().lower()
    if text in {"", "all"}:
        return None
    words = [] if text == "none" else text.replace(",", " ").split()
    try:
        return tuple(ipaddress.ip_network(word) for word in words)
    except ValueError as error:
        raise ConfigurationError(
            f"{name} must be all, none, or networks such as 10.1.0.0/16,fd12::/16: {error}."
        ) from error


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    text = environment.get(name, "").strip().lower()
    if text and text not in allowed:
        raise ConfigurationError(f"{name} must be empty or one of {', '.join(allowed)}.")
    return text


def _master_key(environment: Mapping[str, str], data_dir: Path) -> bytes:
    text = secret(environment, "OCTOPUS_MASTER_KEY") or _key_file(data_dir / KEY_FILE)
    if not text:
        raise ConfigurationError(
            "no master key. Set OCTOPUS_MASTER_KEY (or OCTOPUS_MASTER_KEY_FILE) to base64 of 32"
            " random bytes, or run `octopus-server up`, which makes one in the data folder."
        )
    return _key(text, "OCTOPUS_MASTER_KEY")


def _other_master_keys(environment: Mapping[str, str], data_dir: Path) -> tuple[bytes, ...]:
    """Return the keys that stored secrets may be sealed with beside the master key."""
    name = "OCTOPUS_OTHER_MASTER_KEYS"
    text = f"{secret(environment, name).replace(',', ' ')} {_key_file(data_dir / OLD_KEY_FILE)}"
    return tuple(_key(word, name) for word in dict.fromkeys(text.split()))


def _key_file(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from error


def _key(text: str, name: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ConfigurationError(f"{name} is not valid base64.") from error
    if len(key) != MASTER_KEY_BYTES:
        raise ConfigurationError(f"{name} must be {MASTER_KEY_BYTES} bytes, not {len(key)}.")
    return key
