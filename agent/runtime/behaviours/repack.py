"""Pack the configured files of a Java archive into one archive again."""

import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.runtime.behaviours.archive_rules import clean_name
from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.extract import ExtractPackage
from agent.runtime.behaviours.paths import safe_name
from agent.runtime.runner.command import Package
from agent.runtime.runner.errors import StepFailed

_EXPLODED = "Octopus.Action.JavaArchive.DeployExploded"
_UNOPENED = "Octopus.Action.Java.JavaArchiveExtractionDisabled"
_FILE_NAME = "Octopus.Action.Package.CustomPackageFileName"
ARCHIVES = (".jar", ".war", ".ear", ".zip")
_PIECE = 256 * 1024
_LARGE = 1 << 31
_OLDEST = (1980, 1, 1, 0, 0, 0)


@dataclass(slots=True)
class Repacked:
    """The names of the entries that are not as they were."""

    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    is_signed: bool = False


def stays_closed(context: Context) -> bool:
    """Tell whether the archive is deployed without being opened; its files win over that."""
    return context.variables.flag(_UNOPENED) and not context.variables.flag(_EXPLODED)


class PlaceArchive(ExtractPackage):
    """Install the archive byte by byte as it came, under the name that the step gives it."""

    name = "Place the archive"

    def fill(self, context: Context, package: Package, directory: Path) -> None:
        try:
            target = directory / _checked_name(context, package)
            shutil.copyfile(package.path, target)
        except (OSError, StepFailed) as error:
            shutil.rmtree(directory, ignore_errors=True)
            if isinstance(error, StepFailed):
                raise
            raise StepFailed(f"The archive was not placed: {error}.") from error
        context.output.info(f"Placed {package.package_id} {package.version} at {target}")
        context.messages.set_output("Package.InstallationPackagePath", str(target))


class RepackArchive:
    """Put one archive in the place of the files, unless they are to be deployed as they are."""

    name = "Pack the archive"

    def enabled(self, context: Context) -> bool:
        return not context.variables.flag(_EXPLODED)

    def run(self, context: Context) -> None:
        package, directory = context.command.primary, context.installed
        if package is None or directory is None:
            raise StepFailed("The step has no package.")
        name = _checked_name(context, package)
        packed = context.command.work / name
        try:
            done = repack(package.path, directory, packed, context.control.check)
            for path in directory.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            shutil.move(packed, directory / name)
        except OSError as error:
            raise StepFailed(f"The archive {name} was not packed: {error}.") from error
        for what, names in (("Changed", done.changed), ("Added", done.added)):
            for each in names:
                context.output.verbose(f"{what} {each}")
        for each in done.removed:
            context.output.verbose(f"Left out {each}")
        if done.is_signed and (done.changed or done.added or done.removed):
            context.output.warning(f"{name} was signed; its signature does not fit any longer")
        context.output.info(f"Packed {name}, {len(done.changed)} entries changed")
        context.messages.set_output("Package.InstallationPackagePath", str(directory / name))


def repack(
    original: Path, directory: Path, target: Path, check: Callable[[], None] = lambda: None
) -> Repacked:
    """Write an archive of the directory's files in the order and manner of the original.

    Entries keep their place, time, mode and compression: what is stored stays stored, as nested
    archives must. What the original does not have comes last.
    """
    done = Repacked()
    seen: set[str] = set()
    with zipfile.ZipFile(original) as source, zipfile.ZipFile(target, "w") as out:
        for info in source.infolist():
            check()
            path = clean_name(info.filename, backslashes=True)
            if path in seen or not path:
                continue
            seen.add(path)
            done.is_signed |= path.upper().startswith("META-INF/") and path.upper().endswith(".SF")
            file = directory / path
            if info.is_dir():
                if file.is_dir():
                    out.writestr(_entry(info), b"")
            elif file.is_symlink() or not file.is_file():
                done.removed.append(path)
            elif _write(out, _entry(info), file, info.CRC):
                done.changed.append(path)
        for file in sorted(directory.rglob("*")):
            path = file.relative_to(directory).as_posix()
            if path not in seen and file.is_file() and not file.is_symlink():
                check()
                fresh = zipfile.ZipInfo(path, _time_of(file))
                fresh.compress_type = zipfile.ZIP_DEFLATED
                fresh.external_attr = (stat.S_IFREG | (file.stat().st_mode & 0o777)) << 16
                _write(out, fresh, file, None)
                done.added.append(path)
    return done


def _entry(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(info.filename, info.date_time)
    entry.compress_type = info.compress_type
    entry.external_attr = info.external_attr
    entry.create_system = info.create_system
    entry.comment = info.comment
    return entry


def _write(out: zipfile.ZipFile, entry: zipfile.ZipInfo, file: Path, crc: int | None) -> bool:
    """Add a file; tell whether its content differs from the checksum. A changed one is new."""
    found = _checksum(file)
    if crc is not None and found != crc:
        entry.date_time = _time_of(file)
    large = file.stat().st_size >= _LARGE
    with file.open("rb") as source, out.open(entry, "w", force_zip64=large) as target:
        shutil.copyfileobj(source, target, _PIECE)
    return found != crc


def _checksum(file: Path) -> int:
    crc = 0
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            crc = zlib.crc32(piece, crc)
    return crc


def _time_of(file: Path) -> tuple[int, int, int, int, int, int]:
    moment = time.localtime(file.stat().st_mtime)
    return max(_OLDEST, (moment[0], moment[1], moment[2], moment[3], moment[4], moment[5]))


def _checked_name(context: Context, package: Package) -> str:
    """Return the name of the archive; raise StepFailed where the package is none."""
    if package.extension.lower() not in ARCHIVES:
        raise StepFailed(f"A package that ends in {package.extension} is no Java archive.")
    evaluation = context.variables.evaluate(context.variables.get(_FILE_NAME))
    given = evaluation.text.strip()
    if evaluation.errors:
        raise StepFailed(f"The name of the archive, {given}, cannot be resolved.")
    if given and safe_name(given) != given:
        raise StepFailed(f"The name of the archive, {given}, is no file name.")
    return given or safe_name(f"{package.package_id}.{package.version}{package.extension}")
