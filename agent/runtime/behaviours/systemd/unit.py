"""The unit of a service and its environment, as systemd reads them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

RESTARTS = ("on-failure", "always", "no")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.@-]{0,199}")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SETTING = re.compile(r"[A-Za-z]+=.*")
_ODD = re.compile(r"[\s\"'\\;]")


class BadService(Exception):
    """The settings of the step describe no service."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a unit says; `lines` are further settings of its section Service."""

    description: str
    executable: str
    directory: str
    environment_file: str
    arguments: str = ""
    user: str = ""
    restart: str = "on-failure"
    wanted_by: str = "multi-user.target"
    lines: tuple[str, ...] = ()


def service_name(text: str) -> str:
    """Return the name of a service without `.service`; raise BadService."""
    name = text.strip().removesuffix(".service")
    if not _NAME.fullmatch(name):
        raise BadService(f"{name or 'nothing'} is no name of a service")
    return name


def render_unit(service: Service) -> str:
    """Return the unit; raise BadService."""
    if service.restart not in RESTARTS:
        raise BadService(f"it can restart {', '.join(RESTARTS)}, not {service.restart}")
    if service.user and not _USER.fullmatch(service.user):
        raise BadService(f"{service.user} is no name of a user")
    command = f"{_argument(service.executable)} {_one_line(service.arguments)}".strip()
    lines = [
        "[Unit]",
        f"Description={_plain(service.description)}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        f"ExecStart={command}",
        f"WorkingDirectory={_plain(service.directory)}",
        f"EnvironmentFile={_plain(service.environment_file)}",
        f"Restart={service.restart}",
        *([f"User={service.user}"] if service.user else []),
        *map(_setting, service.lines),
        "",
        "[Install]",
        f"WantedBy={service.wanted_by}",
    ]
    return "\n".join([*lines, ""])


def render_environment(lines: Iterable[str]) -> str:
    """Return the file of variables for lines such as `NAME=value`; raise BadService."""
    written: list[str] = []
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or not _VARIABLE.fullmatch(name.strip()):
            raise BadService(f"{name.strip() or 'nothing'} is no name of an environment variable")
        escaped = re.sub(r"([\"\\$`])", r"\\\1", value.strip())
        written.append(f'{name.strip()}="{escaped}"\n')
    return "".join(written)


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise BadService("a setting has a line break")
    return text.strip()


def _plain(text: str) -> str:
    return _one_line(text).replace("%", "%%")


def _argument(path: str) -> str:
    # Unlike in arguments, a $ is nothing special in the path of the program.
    escaped = _plain(path)
    if not _ODD.search(escaped):
        return escaped
    inner = escaped.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def _setting(line: str) -> str:
    if not _SETTING.fullmatch(line):
        raise BadService("a further setting is not of the form Name=value")
    return line
