"""Script modules: code of the library that scripts of the same language may load."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.runtime.runner.output import Output
from agent.runtime.variables import Variables

_NAME: Final = re.compile(r"Octopus\.Script\.Module\[(.+)\]\Z", re.IGNORECASE | re.DOTALL)
_NOT_IN_FILE_NAMES: Final = re.compile(r"[^\w]", re.ASCII)
# A module without a language is as old as those that could only be PowerShell.
_OLDEST: Final = "PowerShell"
_EXTENSIONS: Final = {"bash": ".sh", "python": ".py", "powershell": ".psm1"}


def module_files(variables: Variables, language: str) -> dict[str, str]:
    """Return the bodies of the modules in the language by the names of their files."""
    found: dict[str, str] = {}
    extension = _EXTENSIONS.get(language.lower(), "")
    for each in variables:
        named = _NAME.match(each.name)
        if named is None or not extension:
            continue
        name = named[1]
        written_in = variables.get(f"Octopus.Script.Module.Language[{name}]", _OLDEST)
        stem = _NOT_IN_FILE_NAMES.sub("", name)
        if stem and written_in.strip().lower() == language.lower():
            found[f"{stem}{extension}"] = each.value.replace("\r\n", "\n")
    return found


@contextlib.contextmanager
def modules_beside(
    directory: Path, variables: Variables, language: str, output: Output
) -> Iterator[None]:
    """Put the modules into the directory while a script runs there.

    They are private files; one that the directory has already is left alone, and said.
    """
    written: list[Path] = []
    try:
        for name, body in module_files(variables, language).items():
            path, data = directory / name, body.encode("utf-8", "surrogateescape")
            if _write_new(path, data):
                written.append(path)
            else:
                output.notice(
                    f"The script module {name} was not delivered: the directory has such a file."
                )
        yield
    finally:
        for path in written:
            path.unlink(missing_ok=True)


def _write_new(path: Path, data: bytes) -> bool:
    """Write the file; False when there is another one. One from before a crash is taken over."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        return path.is_file() and not path.is_symlink() and path.read_bytes() == data
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return True
