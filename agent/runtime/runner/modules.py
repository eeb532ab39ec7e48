"""Script modules: code of the library that scripts of the same language may load."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from agent.contracts.script_modules import OLDEST, file_name, language_name, module_of
from agent.runtime.runner import posix
from agent.runtime.runner.memory_files import memory_file, remove_stale
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
) -> Iterator[list[int]]:
    """Put the modules into the directory while a script runs there; return descriptors for it.

    They are private files, or in memory where they hold a secret; one that the directory has
    already is left alone, and said.
    """
    descriptors: list[int] = []
    with contextlib.ExitStack() as placed:
        for name, body in module_files(variables, language).items():
            path, data = directory / name, body.encode("utf-8", "surrogateescape")
            remove_stale(path)
            try:
                if posix.HAS_MEMORY_FILES and variables.has_secret_in(body):
                    descriptors.append(placed.enter_context(memory_file(path, data)))
                else:
                    placed.enter_context(_private_file(path, data))
            except FileExistsError:
                output.notice(
                    f"The script module {name} was not delivered: the directory has such a file."
                )
        yield descriptors


@contextlib.contextmanager
def _private_file(path: Path, data: bytes) -> Iterator[None]:
    """Write the file and remove it; one from before a crash is taken over.

    Raises FileExistsError for another one.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        if not path.is_file() or path.is_symlink() or path.read_bytes() != data:
            raise
    else:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
