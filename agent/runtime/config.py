"""Where an agent instance keeps its state, and who it is: config.json and the credential."""

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

from agent.contracts import limits

DEFAULT_INSTANCE = "Tentacle"


class ConfigError(Exception):
    """The instance is not registered, or its files cannot be used; says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """What registration settled; `thumbprint` pins the gateway, `server_thumbprint` the REST side.

    Thumbprints are the SHA-256 (hex) of a certificate; without one the CA store decides, or
    `ca_file` where given. `allow_plain` permits http and ws to other machines. With
    `upgrade_locked` the server cannot upgrade the agent. A command's folder stays
    `workspace_retention_s` after the server has its result. Packages that no command needs may
    fill `package_cache_bytes`.
    """

    name: str
    server_url: str
    gateway_url: str
    machine_id: str
    space_id: str = ""
    thumbprint: str | None = None
    server_thumbprint: str | None = None
    ca_file: str | None = None
    allow_plain: bool = False
    is_worker: bool = False
    upgrade_locked: bool = False
    workspace_retention_s: float = limits.WORKSPACE_RETENTION
    package_cache_bytes: int = limits.PACKAGE_CACHE


def home_of(instance: str, home: str | None) -> Path:
    """Return the state folder: the given one, or the usual place for the instance."""
    if home:
        return Path(home).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/octopus-tentacle") / instance
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "octopus-tentacle" / instance


def load(home: Path) -> tuple[AgentConfig, str]:
    """Return the configuration and the credential; ConfigError when there is none."""
    try:
        values = json.loads((home / "config.json").read_text())
        credential = (home / "credential").read_text().strip()
    except FileNotFoundError as problem:
        text = f"No registered Tentacle in {home}. Run 'tentacle register' first."
        raise ConfigError(text) from problem
    except (OSError, ValueError) as problem:
        raise ConfigError(f"The configuration in {home} cannot be read: {problem}") from problem
    known = {field.name for field in dataclasses.fields(AgentConfig)}
    try:
        config = AgentConfig(**{name: item for name, item in values.items() if name in known})
    except TypeError as problem:
        raise ConfigError(f"The configuration in {home} is incomplete: {problem}") from problem
    for name in ("workspace_retention_s", "package_cache_bytes"):
        given = getattr(config, name)
        if isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0:
            raise ConfigError(f"{name} in {home / 'config.json'} must be a number, 0 or more.")
    return config, credential


def save(home: Path, config: AgentConfig, credential: str) -> None:
    """Write both files atomically, readable by the owner alone."""
    home.mkdir(parents=True, exist_ok=True)
    # Others pass through it to what was installed below, and see no names.
    home.chmod(0o711)
    write_private(home / "credential", credential + "\n")
    text = json.dumps(dataclasses.asdict(config), indent=2, sort_keys=True)
    write_private(home / "config.json", text + "\n")


def remove(home: Path) -> None:
    """Forget the registration; workspaces and the journal stay."""
    for name in ("config.json", "credential"):
        (home / name).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 by replacing it in one step."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
