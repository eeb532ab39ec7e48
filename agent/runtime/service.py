"""The systemd unit of an agent instance."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

_UNITS = Path("/etc/systemd/system")
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
UMask=0077

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
    systemctl = shutil.which("systemctl")
    if systemctl is None or not _UNITS.parent.is_dir():
        raise ServiceError("This machine has no systemd; start 'tentacle run' by other means.")
    if os.geteuid() != 0:
        raise ServiceError("Installing a service needs root: run this with sudo.")
    name = unit_name(instance)
    _UNITS.mkdir(exist_ok=True)
    (_UNITS / name).write_text(unit_text(home, instance, user))
    for arguments in (("daemon-reload",), ("enable", "--now", name)):
        done = subprocess.run([systemctl, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            text = f"The unit {name} is written, but systemctl failed: {done.stderr.strip()}"
            raise ServiceError(text)
    return f"The service {name} is installed and started."


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
