"""The program files of an instance: the one that was installed, and those that came as upgrades.

`versions/<version>-<hash>/tentacle.pyz` never changes once it is there, because running scripts
still load parts of the program that started them. `versions/current` links to the one that serves.
"""

import contextlib
import json
import os
import re
import shutil
import sys
import zipimport
from pathlib import Path

import agent
from agent.contracts import limits
from agent.runtime.config import sync_folder, write_private
from agent.runtime.hashing import hash_file

PROGRAM = "tentacle.pyz"
_ORIGIN = "origin.json"
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,49}")
# Below these the package manager of the system owns the files.
_OF_THE_SYSTEM = Path("/usr")
_OF_THE_ADMINISTRATOR = Path("/usr/local")


def own_program() -> Path | None:
    """Return the zipapp that runs, None when the agent is a package in a folder."""
    loader = getattr(agent, "__loader__", None)
    if not isinstance(loader, zipimport.zipimporter):
        return None
    return Path(loader.archive).absolute()


def why_not_here(program: Path | None) -> str:
    """Return why this installation cannot be upgraded from the server, or "" when it can."""
    if program is None:
        return "the agent was installed as a Python package (pip); upgrade it the same way"
    is_packaged = program.is_relative_to(_OF_THE_SYSTEM)
    if is_packaged and not program.is_relative_to(_OF_THE_ADMINISTRATOR):
        return f"{program} belongs to the system's package manager; upgrade it the same way"
    return ""


def execute(program: Path) -> None:
    """Become another program with the same arguments; raise OSError when that is impossible."""
    arguments = [sys.executable, "-I", str(program), *sys.argv[1:]]
    os.execv(sys.executable, arguments)  # noqa: S606 no shell is wanted


def start_current(home: Path) -> None:
    """Become the upgraded program of the instance, if there is one for the installed program.

    An administrator who installs another program by hand wins over an earlier upgrade.
    """
    program = own_program()
    versions = Versions(home)
    if program is None or versions.holds(program):
        return
    current = versions.current_of(program)
    if current is not None:
        with contextlib.suppress(OSError):
            execute(current)


class Versions:
    """The folder `versions` of an instance."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "versions"
        self._link = self.folder / "current"
        self._origin = self.folder / _ORIGIN

    def place(self, version: str, sha256: str) -> Path:
        """Return where a program belongs; ValueError for what is no version."""
        if not _VERSION.fullmatch(version) or ".." in version:
            raise ValueError(f"{version[:50]!r} is not a version")
        return self.folder / f"{version}-{sha256[:12]}" / PROGRAM

    def holds(self, program: Path) -> bool:
        """Tell whether a program came as an upgrade of this instance."""
        return program.is_relative_to(self.folder.absolute())

    def current_of(self, installed: Path) -> Path | None:
        """Return the whole, current upgrade of the installed program, if there is one."""
        try:
            origin = json.loads(self._origin.read_text())
            program = self._link.resolve(strict=True) / PROGRAM
            is_whole = origin["sha256"] == hash_file(program)
            is_of_it = origin["installed"] == hash_file(installed)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return program if is_whole and is_of_it else None

    def current_version(self, installed: Path | None) -> str:
        """Return the version that serves instead of the installed one, "" if none does."""
        if installed is None or self.holds(installed):
            return ""
        current = self.current_of(installed)
        return current.parent.name.rpartition("-")[0] if current is not None else ""

    def make_current(self, program: Path, sha256: str, own: Path) -> None:
        """Let the next start run the program; OSError changes nothing."""
        if self.holds(own):
            installed = json.loads(self._origin.read_text())["installed"]
        else:
            installed = hash_file(own)
        # A start between the two finds a hash that is not that of the link: the installed program.
        write_private(self._origin, json.dumps({"installed": installed, "sha256": sha256}) + "\n")
        link = self._link.with_name("current.new")
        link.unlink(missing_ok=True)
        link.symlink_to(program.parent.name)
        link.replace(self._link)
        sync_folder(self.folder)

    def clean(self, *keep: Path) -> None:
        """Remove programs that nothing needs, save for some and the newest others."""
        current = self._link.resolve()
        kept = {path.parent for path in keep} | {current}
        try:
            others = [path for path in self.folder.iterdir() if path.is_dir() and path not in kept]
        except OSError:
            return
        others = [path for path in others if not path.is_symlink()]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[limits.OLD_VERSIONS_KEPT :]:
            shutil.rmtree(path, ignore_errors=True)
