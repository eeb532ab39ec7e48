"""Script modules: code of the library that scripts of the same language may load."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from agent.contracts.script_modules import OLDEST, file_name, language_name, module_of
from agent.runtime.runner.output import Output
from agent.runtime.variables import Variables


def module_files(variables: Variables, language: str) -> dict[str, str]:
    """Return the bodies of the modules in the language by the names of their files."""
    found: dict[str, str] = {}
    for each in variables:
        name = module_of(each.name)
        if name is None:
            continue
        written_in = variables.get(language_name(name), OLDEST).strip()
        file = file_name(name, written_in)
        if file and written_in.lower() == language.lower():
            found[file] = each.value.replace("\r\n", "\n")
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
