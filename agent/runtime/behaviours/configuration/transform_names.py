"""Which transform files belong to a configuration file, by the names of both."""

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_SEPARATOR = re.compile(r"[,\r\n]")


@dataclass(frozen=True, slots=True)
class Definition:
    """A transform pattern and the pattern of its targets; without the latter it is a suffix.

    The suffix `Release` means `Web.Release.config` for `Web.config`.
    """

    transform: str
    target: str = ""

    @property
    def is_suffix(self) -> bool:
        return not self.target

    @property
    def extension(self) -> str:
        """Return the extension of the files that it may change."""
        return ".config" if self.is_suffix else PurePosixPath(self.target).suffix.lower()


def parse_definitions(text: str) -> list[Definition]:
    """Return the definitions of a list such as `*.Prod.config => *.config, Release`."""
    found: list[Definition] = []
    for entry in _SEPARATOR.split(text):
        transform, arrow, target = entry.strip().replace("\\", "/").partition("=>")
        if transform.strip() and (target.strip() or not arrow):
            found.append(Definition(_plain(transform), _plain(target)))
    return found


def bad_definition(definition: Definition) -> str:
    """Return why a definition cannot work, or ""."""
    path = PurePosixPath(definition.target)
    if path.is_absolute():
        return "its target is an absolute path"
    if ".." in path.parts:
        return "its target leads upwards"
    if "*" in str(path.parent) or "*" in path.name.removeprefix("*."):
        return "its target may have a * at the start of the file name only"
    return ""


def transforms_for(target: Path, definition: Definition) -> list[Path]:
    """Return the transform files of a target, sorted; a file is never its own transform.

    Names of files are compared without regard to case. A relative transform is looked for from
    the target's directory, less the directory that the definition names for the target.
    """
    if definition.is_suffix:
        stem = target.name.rpartition(".")[0] or target.name
        names = [f"{stem}.{definition.transform}.config", f"{stem}.{definition.transform}"]
        found = [path for name in names for path in _named(target.parent, name)]
    else:
        found = _explicit(target, definition)
    return [path for path in found if path != target]


def _plain(text: str) -> str:
    return text.strip().removeprefix("./")


def _explicit(target: Path, definition: Definition) -> list[Path]:
    wanted, transform = PurePosixPath(definition.target), PurePosixPath(definition.transform)
    stem = _stem(target.name, wanted.name)
    base = _base(target.parent, wanted.parent)
    if stem is None or base is None:
        return []
    directory = Path(transform.parent) if transform.is_absolute() else base / transform.parent
    name = transform.name
    if name.startswith("*.") and wanted.name.startswith("*."):
        name = f"{glob_escape(stem)}{name[1:]}"
    return _named(directory, name)


def glob_escape(text: str) -> str:
    """Return a pattern that matches the text alone."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def _stem(name: str, pattern: str) -> str | None:
    """Return what the `*` of a target pattern stands for, "" without one, None if it is another."""
    if not pattern.startswith("*."):
        return "" if name.lower() == pattern.lower() else None
    ending = pattern[1:].lower()
    return name[: -len(ending)] if name.lower().endswith(ending) else None


def _base(directory: Path, named: PurePosixPath) -> Path | None:
    """Return the directory without the parts that the target pattern names."""
    parts = [part.lower() for part in named.parts if part != "."]
    own = [part.lower() for part in directory.parts]
    if parts and own[-len(parts) :] != parts:
        return None
    return Path(*directory.parts[: len(own) - len(parts)])


def _named(directory: Path, pattern: str) -> list[Path]:
    if not directory.is_dir():
        return []
    lower = pattern.lower()
    return sorted(
        path
        for path in directory.iterdir()
        if fnmatch.fnmatchcase(path.name.lower(), lower) and path.is_file()
    )
