"""Unpack packages: into the installation directory, or beside a script."""

import shutil
from pathlib import Path

from agent.runtime.behaviours.archive_rules import ArchiveLimits, UnsafeArchive
from agent.runtime.behaviours.archives import Unpacked, unpack
from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.paths import safe_name
from agent.runtime.runner.command import Package
from agent.runtime.runner.errors import StepFailed
from agent.runtime.runner.own_variables import APPLICATIONS
from agent.runtime.variables import Variables

INSTALLATION_DIRECTORY = "Octopus.Action.Package.InstallationDirectoryPath"
_ORIGINAL_DIRECTORY = "OctopusOriginalPackageDirectoryPath"
_MEGABYTE = 1024 * 1024
_DEFAULT_FREE_MEGABYTES = 500


class ExtractPackage:
    """Unpack the package into a directory of its own that did not exist before."""

    name = "Extract package"

    def enabled(self, context: Context) -> bool:
        return True

    def run(self, context: Context) -> None:
        package = context.command.primary
        if package is None:
            raise StepFailed("The step has no package.")
        root = Path(context.variables.get(APPLICATIONS))
        parent = root / installation_path(context.variables, package)
        parent.parent.mkdir(parents=True, exist_ok=True)
        check_free_space(context.variables, parent.parent, package)
        directory = make_new_directory(parent)
        self.fill(context, package, directory)
        context.installed = context.directory = directory
        for name in (INSTALLATION_DIRECTORY, _ORIGINAL_DIRECTORY):
            context.variables.set(name, str(directory))
        context.messages.set_output("Package.InstallationDirectoryPath", str(directory))

    def fill(self, context: Context, package: Package, directory: Path) -> None:
        """Put the files of the package into the new directory."""
        context.output.info(f"Extracting {package.package_id} {package.version} to {directory}")
        extract(context, package, directory)


class ExtractScriptPackage:
    """Unpack the package that holds the step's script into the working directory."""

    name = "Extract package"

    def enabled(self, context: Context) -> bool:
        source = context.variables.get("Octopus.Action.Script.ScriptSource")
        return source.strip().lower() == "package"

    def run(self, context: Context) -> None:
        package = context.command.primary
        if package is None:
            raise StepFailed("The step has no package.")
        directory = context.command.work / "package"
        directory.mkdir()
        context.output.info(f"Extracting {package.package_id} {package.version}")
        extract(context, package, directory)
        context.directory = directory


def installation_path(variables: Variables, package: Package) -> Path:
    """Return [tenant/][environment/]id/version."""
    parts = [
        safe_name(variables.get(name))
        for name in ("Octopus.Deployment.Tenant.Name", "Octopus.Environment.Name")
        if variables.get(name).strip()
    ]
    return Path(*parts, safe_name(package.package_id), safe_name(package.version))


def make_new_directory(path: Path) -> Path:
    """Create the directory, or the first free of path_1, path_2 ...; never reuse one."""
    candidate = path
    number = 0
    while True:
        try:
            candidate.mkdir()
        except FileExistsError:
            number += 1
            candidate = path.with_name(f"{path.name}_{number}")
        else:
            return candidate


def check_free_space(variables: Variables, directory: Path, package: Package) -> None:
    """Raise StepFailed if the disk is nearly full."""
    if variables.flag("OctopusSkipFreeDiskSpaceCheck"):
        return
    given = variables.get("OctopusFreeDiskSpaceOverrideInMegaBytes").strip()
    megabytes = int(given) if given.isdigit() else _DEFAULT_FREE_MEGABYTES
    free = shutil.disk_usage(directory).free
    if free < megabytes * _MEGABYTE + package.size:
        raise StepFailed(
            f"The disk that holds {directory} has {free // _MEGABYTE} MB free; "
            f"{megabytes} MB and the package are needed."
        )


def extract(context: Context, package: Package, directory: Path) -> Unpacked:
    """Unpack a package and tell about it; on failure leave nothing of it behind."""
    limits = ArchiveLimits(max_bytes=shutil.disk_usage(directory).free)
    try:
        unpacked = unpack(
            package.path,
            package.extension,
            directory,
            limits=limits,
            check=context.control.check,
        )
    except (UnsafeArchive, OSError) as error:
        shutil.rmtree(directory, ignore_errors=True)
        name = f"{package.package_id} {package.version}"
        raise StepFailed(f"The package {name} was not extracted: {error}.") from error
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    context.output.info(f"Extracted {unpacked.files} files, {unpacked.bytes} bytes")
    for text in unpacked.left_out:
        context.output.warning(text)
    for path in unpacked.collisions:
        context.output.warning(f"{path} differs from another name in case only")
    return unpacked
