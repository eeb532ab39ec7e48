"""The systemd unit of an agent instance."""

import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

UNITS = Path("/etc/systemd/system")
_TEMPLATE = """\
[Unit]
Description=Octopus Tentacle ({instance})
After=network-online.target
Wants=network-online.target

[Service]
ExecStart={command}
{user}Restart=always
RestartSec=2
# Running scripts belong to their runners and outlive a restart of the agent.
KillMode=process
Delegate=yes

[Install]
WantedBy=multi-user.target
"""


class ServiceError(Exception):
    """The service cannot be installed here; says why."""


def unit_name(instance: str) -> str:
    """Return the file name of the unit of an instance."""
    return f"octopus-tentacle-{re.sub(r'[^A-Za-z0-9_.-]', '-', instance).lower()}.service"


def unit_text(home: Path, instance: str, user: str) -> str:
    """Return the unit; KillMode=process leaves running scripts alone."""
    parts = [*_program(), "run", "--instance", instance, "--home", str(home)]
    return _TEMPLATE.format(
        instance=_escape(instance),
        command=" ".join(f'"{_escape(part)}"' for part in parts),
        user=f"User={_escape(user)}\n" if user else "",
    )


def install(home: Path, instance: str, user: str) -> str:
    """Write the unit and start it; returns what was done. ServiceError when it cannot be."""
    systemctl = _systemctl()
    _require_root("Installing")
    if user:
        _require_owner(home, user)
    name = unit_name(instance)
    UNITS.mkdir(exist_ok=True)
    (UNITS / name).write_text(unit_text(home, instance, user))
    for arguments in (("daemon-reload",), ("enable", "--now", name)):
        done = _run(systemctl, *arguments)
        if done.returncode != 0:
            text = f"The unit {name} is written, but systemctl failed: {done.stderr.strip()}"
            raise ServiceError(text)
    return f"The service {name} is installed and started."


def control(action: str, instance: str) -> str:
    """Start or stop an installed service; returns what was done. ServiceError when it cannot be."""
    systemctl = _systemctl()
    name = _installed(instance)
    _require_root({"start": "Starting", "stop": "Stopping"}[action])
    _demand(_run(systemctl, action, name))
    if action == "stop":
        return f"The service {name} is stopped; scripts that run go on."
    return f"The service {name} is started."


def state(instance: str) -> tuple[str, bool]:
    """Return what the system says of the service, and whether it runs; ServiceError if unknown."""
    systemctl = _systemctl()
    name = _installed(instance)
    active = _run(systemctl, "is-active", name).stdout.strip() or "unknown"
    enabled = _run(systemctl, "is-enabled", name).stdout.strip() or "unknown"
    return f"service: {name}\nstate: {active}\nat boot: {enabled}", active == "active"


def uninstall(instance: str) -> str:
    """Stop the service and remove its unit; the registration and the state folder stay."""
    systemctl = _systemctl()
    name = _installed(instance)
    _require_root("Removing")
    _demand(_run(systemctl, "disable", "--now", name))
    (UNITS / name).unlink()
    _demand(_run(systemctl, "daemon-reload"))
    return f"The service {name} is removed; scripts that run go on. The registration stays."


def _systemctl() -> str:
    systemctl = shutil.which("systemctl")
    if systemctl is None or not UNITS.parent.is_dir():
        raise ServiceError("This machine has no systemd; start 'tentacle run' by other means.")
    return systemctl


def _installed(instance: str) -> str:
    name = unit_name(instance)
    if not (UNITS / name).exists():
        raise ServiceError(f"The service {name} is not installed; see 'tentacle service install'.")
    return name


def _require_root(what: str) -> None:
    if os.geteuid() != 0:
        raise ServiceError(f"{what} a service needs root: run this with sudo.")


def _require_owner(home: Path, user: str) -> None:
    try:
        wanted = int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
    except KeyError as problem:
        raise ServiceError(f"There is no user {user}.") from problem
    if home.stat().st_uid != wanted:
        text = f"{home} does not belong to {user}: run 'chown -R {user} {home}' first"
        raise ServiceError(f"{text}, or register as {user} and name that folder with --home.")


def _run(systemctl: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([systemctl, *arguments], capture_output=True, text=True, check=False)


def _demand(done: "subprocess.CompletedProcess[str]") -> None:
    if done.returncode != 0:
        raise ServiceError(f"systemctl failed: {done.stderr.strip()}")


def _program() -> list[str]:
    program = Path(sys.argv[0]).absolute()
    if program.suffix == ".pyz":
        return [sys.executable, "-I", str(program)]
    if program.name == "tentacle":
        return [str(program)]
    return [sys.executable, "-m", "agent.runtime.cli"]


def _escape(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return quoted.replace("%", "%%").replace("$", "$$").replace("\n", " ")
