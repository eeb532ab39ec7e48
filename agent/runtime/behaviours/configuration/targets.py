"""Where configuration files are looked for: the package's directory and the additional paths."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.globs import find_files
from agent.runtime.behaviours.paths import inside, is_inside

_ADDITIONAL = "Octopus.Action.AdditionalPaths"


class Target(NamedTuple):
    """A file and the name by which messages call it."""

    path: Path
    shown: str


def roots(context: Context) -> list[Path]:
    """Return the directories whose files are configured."""
    found = [context.directory]
    for line in context.variables.lines(_ADDITIONAL):
        path = Path(line)
        if not path.is_absolute() or ".." in path.parts or not path.is_dir():
            context.output.warning(f"The additional path {line} is no directory of this machine")
        elif path not in found:
            found.append(path)
    return found


def listed_files(context: Context, patterns: list[str], *, warn: bool = True) -> Iterator[Target]:
    """Yield each file that a pattern finds, once; say which patterns find nothing."""
    done: set[Path] = set()
    places = roots(context)
    for pattern in patterns:
        found = [
            Target(file, _shown(context, file))
            for root in places
            for file in find_files(root, pattern)
        ]
        if not found and warn:
            is_directory = any((path := inside(root, pattern)) and path.is_dir() for root in places)
            what = f"{pattern} is a directory" if is_directory else f"No file matches {pattern}"
            context.output.warning(f"{what} in {context.directory}")
        for target in found:
            if target.path not in done:
                done.add(target.path)
                context.control.check()
                yield target


def files_ending(context: Context, extensions: set[str]) -> Iterator[Target]:
    """Yield every file below the roots that has one of the extensions, in any case, sorted."""
    for root in roots(context):
        for path in sorted(root.rglob("*")):
            wanted = path.suffix.lower() in extensions
            if wanted and path.is_file() and is_inside(root, path):
                context.control.check()
                yield Target(path, _shown(context, path))


def _shown(context: Context, path: Path) -> str:
    below = path.is_relative_to(context.directory)
    return str(path.relative_to(context.directory) if below else path)
