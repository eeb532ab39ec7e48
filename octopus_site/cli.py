"""The console script `octopus-server`: all management of a server."""

import argparse
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

from octopus_site.conf import ConfigurationError

OLDEST_PYTHON = (3, 11)
Command = Callable[[argparse.Namespace], int]


def main() -> None:
    """Run one command; the exit code is 0 for success, 1 for failure, 2 for wrong usage."""
    if sys.version_info < OLDEST_PYTHON:
        raise ConfigurationError(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}."
        )
    # A crash leaves no file of the memory, which holds the master key; children inherit this.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")
    arguments = _parser().parse_args()
    command: Command = arguments.command
    try:
        code = command(arguments)
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        text = _in_one_line(error)
        if text is None:
            raise
        raise ConfigurationError(text) from None
    raise SystemExit(code)


def _in_one_line(error: Exception) -> str | None:
    """Return what to tell a person; None for an error of ours, which needs its traceback."""
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 see _parser
    from django.db import DatabaseError, InterfaceError  # noqa: PLC0415 see _parser

    from deployments.base.errors import OctopusError  # noqa: PLC0415

    if isinstance(error, OctopusError):
        return error.message
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if isinstance(error, DatabaseError | InterfaceError):
        first = next(iter(str(error).splitlines()), repr(error))
        return f"the database cannot be used: {first}. Set OCTOPUS_DATABASE_URL, or migrate it."
    return None


def _parser() -> argparse.ArgumentParser:
    from octopus_site import commands  # noqa: PLC0415 Python's version is checked first

    parser = argparse.ArgumentParser(
        prog="octopus-server",
        description="A deployment server. Settings are environment variables; see the README.",
    )
    commands_of = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    groups = {"": commands_of}
    for name, text, run, options in commands.TABLE:
        group, _, last = name.rpartition(" ")
        if group not in groups:
            groups[group] = _group(commands_of, group, commands.GROUPS[group])
        sub = groups[group].add_parser(last, help=text, description=text)
        for flags, settings in options:
            sub.add_argument(*flags, **settings)
        sub.set_defaults(command=run)
    return parser


def _group(commands_of: Any, name: str, text: str) -> Any:
    parser = commands_of.add_parser(name, help=text, description=text)
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


if __name__ == "__main__":
    main()
