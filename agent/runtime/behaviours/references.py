"""Put referenced packages beside the scripts that use them."""

import os
import shutil

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.extract import extract
from agent.runtime.behaviours.paths import safe_name


class StageReferences:
    """Unpack, or just place, each referenced package in the working directory."""

    name = "Stage referenced packages"

    def enabled(self, context: Context) -> bool:
        return bool(context.command.references)

    def run(self, context: Context) -> None:
        for package in context.command.references:
            context.control.check()
            folder = safe_name(package.name)
            prefix = f"Octopus.Action.Package[{package.name}]"
            variables = context.variables
            variables.set(f"{prefix}.PackageId", package.package_id)
            variables.set(f"{prefix}.PackageVersion", package.version)
            variables.set(f"{prefix}.OriginalPath", str(package.path))
            label = f"{package.package_id} {package.version}"
            if package.extract:
                directory = context.command.work / folder
                directory.mkdir()
                context.output.info(f"Extracting {label} to {directory}")
                extract(context, package, directory)
                variables.set(f"{prefix}.ExtractedPath", str(directory))
            else:
                file = context.command.work / f"{folder}{package.extension}"
                context.output.info(f"Placing {label} at {file}")
                _place(package.path, file)
                variables.set(f"{prefix}.PackageFilePath", str(file))
                variables.set(f"{prefix}.PackageFileName", file.name)


def _place(source: os.PathLike[str], target: os.PathLike[str]) -> None:
    """Copy rather than link: a script must not be able to change the cache."""
    shutil.copyfile(source, target)
