"""Copy the package's file, as it is, to the directory that the step names."""

import contextlib
import os
import secrets
from pathlib import Path

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.paths import safe_name
from agent.runtime.runner.command import Package
from agent.runtime.runner.errors import StepFailed

_NAME = "Octopus.Action.Package.TransferPath"
_PIECE = 1024 * 1024


class TransferPackage:
    """Place the file in one step: whoever looks finds the whole of it, or what was there before."""

    name = "Transfer package"

    def enabled(self, context: Context) -> bool:
        return True

    def run(self, context: Context) -> None:
        package = context.command.primary
        if package is None:
            raise StepFailed("The step has no package.")
        folder = _folder(context)
        file = folder / safe_name(f"{package.package_id}.{package.version}{package.extension}")
        context.output.info(f"Copying {package.package_id} {package.version} to {file}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _copy(context, package, file)
        except OSError as error:
            raise StepFailed(f"The package was not copied to {file}: {error}.") from error
        for name, text in (
            ("DirectoryPath", str(folder)),
            ("FileName", file.name),
            ("FilePath", str(file)),
        ):
            context.messages.set_output(f"Package.{name}", text)


def _folder(context: Context) -> Path:
    evaluation = context.variables.evaluate(context.variables.get(_NAME))
    text = evaluation.text.strip()
    if evaluation.errors or not text:
        raise StepFailed(f"The directory to transfer to, {text or 'which is empty'}, is not known.")
    folder = Path(text)
    if not folder.is_absolute() or ".." in folder.parts:
        raise StepFailed(f"The directory to transfer to, {text}, is not absolute.")
    if folder.resolve().is_relative_to(context.command.home.resolve()):
        raise StepFailed(f"The directory to transfer to, {text}, belongs to the agent.")
    return folder


def _copy(context: Context, package: Package, file: Path) -> None:
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder")
    temporary = file.with_name(f".octopus-{secrets.token_hex(8)}")
    try:
        with package.path.open("rb") as source, temporary.open("xb") as target:
            while piece := source.read(_PIECE):
                context.control.check()
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        temporary.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
