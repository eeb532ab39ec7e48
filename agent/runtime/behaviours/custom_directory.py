"""Copy the extracted package to the directory that the step names."""

import contextlib
import fnmatch
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.extract import INSTALLATION_DIRECTORY
from agent.runtime.runner.errors import StepFailed

_NAME = "Octopus.Action.Package.CustomInstallationDirectory"
_PURGE = f"{_NAME}ShouldBePurgedBeforeDeployment"
_EXCLUSIONS = f"{_NAME}PurgeExclusions"


class CopyToCustomDirectory:
    """Copy the files over what is there; purge the directory first if the step says so."""

    name = "Copy to the custom installation directory"

    def enabled(self, context: Context) -> bool:
        return bool(context.variables.get(_NAME).strip())

    def run(self, context: Context) -> None:
        source = context.installed or context.directory
        target = self._target(context, source)
        target.mkdir(parents=True, exist_ok=True)
        if context.variables.flag(_PURGE):
            context.output.info(f"Purging {target}")
            try:
                purge(target, context.variables.lines(_EXCLUSIONS))
            except OSError as error:
                raise StepFailed(f"{target} could not be purged: {error}.") from error
        context.output.info(f"Copying the package to {target}")
        try:
            count = self._copy(context, source, target)
        except OSError as error:
            raise StepFailed(f"The package was not copied to {target}: {error}.") from error
        context.output.info(f"Copied {count} files")
        context.custom = context.directory = target
        context.variables.set(INSTALLATION_DIRECTORY, str(target))
        context.messages.set_output("Package.InstallationDirectoryPath", str(target))
        context.messages.set_output("Package.CopiedFileCount", str(count))

    def _target(self, context: Context, source: Path) -> Path:
        evaluation = context.variables.evaluate(context.variables.get(_NAME))
        text = evaluation.text.strip()
        if evaluation.errors or not text:
            raise StepFailed(f"The custom installation directory {text} cannot be resolved.")
        target = Path(text)
        if not target.is_absolute() or ".." in target.parts:
            raise StepFailed(f"The custom installation directory {text} is not absolute.")
        real, real_source = target.resolve(), source.resolve()
        protected = (real_source, context.command.home.resolve())
        if real.is_relative_to(real_source) or any(p.is_relative_to(real) for p in protected):
            raise StepFailed(
                f"The custom installation directory {text} overlaps the agent's own directories."
            )
        return target

    def _copy(self, context: Context, source: Path, target: Path) -> int:
        count = 0
        for folder, directories, files in os.walk(source):
            place = target / Path(folder).relative_to(source)
            place.mkdir(exist_ok=True)
            links = [name for name in directories if (Path(folder) / name).is_symlink()]
            for name in files + links:
                context.control.check()
                _copy_file(Path(folder) / name, place / name)
                count += 1
        return count


def purge(directory: Path, exclusions: list[str]) -> None:
    """Remove what is in the directory, save for excluded names, paths and patterns."""
    _purge(directory, PurePosixPath(), [text.replace("\\", "/").strip("/") for text in exclusions])


def _purge(directory: Path, relative: PurePosixPath, exclusions: list[str]) -> bool:
    """Return whether the directory is empty now."""
    empty = True
    for path in directory.iterdir():
        below = relative / path.name
        if _is_excluded(below, exclusions):
            empty = False
        elif path.is_dir() and not path.is_symlink():
            if _purge(path, below, exclusions):
                path.rmdir()
            else:
                empty = False
        else:
            path.unlink()
    return empty


def _is_excluded(path: PurePosixPath, exclusions: list[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(str(path), pattern) or fnmatch.fnmatchcase(path.name, pattern)
        for pattern in exclusions
    )


def _copy_file(source: Path, target: Path) -> None:
    """Replace the target atomically, so that running programs keep their old file."""
    if source.is_symlink():
        _remove(target)
        target.symlink_to(source.readlink())
        return
    if target.is_dir() and not target.is_symlink():
        raise IsADirectoryError(f"{target} is a folder")
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".octopus-")
    os.close(descriptor)
    try:
        shutil.copy2(source, temporary)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
