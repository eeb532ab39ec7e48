"""Do nothing when the same package was installed by the same step before."""

from pathlib import Path

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.extract import INSTALLATION_DIRECTORY
from agent.runtime.behaviours.history import Journal, retention_set


class SkipIfInstalled:
    """End the deployment successfully if the last attempt at this version succeeded."""

    name = "Check for an earlier installation"

    def enabled(self, context: Context) -> bool:
        return context.variables.flag("Octopus.Action.Package.SkipIfAlreadyInstalled")

    def run(self, context: Context) -> None:
        package = context.command.primary
        if package is None:
            return
        found = Journal(context.command.home).latest(
            retention_set(context),
            package_id=package.package_id,
            package_version=package.version,
        )
        label = f"{package.package_id} {package.version}"
        if found is None or not found.get("successful"):
            context.output.info(f"{label} is not installed yet")
            return
        directory = Path(found.get("custom_directory") or found["extracted_to"])
        if not directory.is_dir():
            context.output.info(f"{label} was installed, but {directory} is gone")
            return
        context.output.info(f"{label} is already installed in {directory}; nothing to do")
        context.variables.set(INSTALLATION_DIRECTORY, str(directory))
        context.messages.set_output("Package.InstallationDirectoryPath", str(directory))
        context.done = True
