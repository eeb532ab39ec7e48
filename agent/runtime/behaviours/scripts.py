"""The scripts of a deployment: the step's own script, inline scripts, scripts in packages."""

from pathlib import Path

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.paths import inside
from agent.runtime.runner.errors import StepFailed
from agent.runtime.runner.script import EXTENSIONS, find_syntax

_PREFIX = "Octopus.Action.Script"
# The order in which inline scripts of one stage run, when there are several.
_INLINE_ORDER = ("ps1", "csx", "sh", "fsx", "py")
# Of the scripts of one stage in a package only the first found runs.
_PACKAGED_PREFERENCE = (".sh", ".py", ".csx", ".ps1")


class RunScript:
    """Run the script of a script step."""

    name = ""

    def enabled(self, context: Context) -> bool:
        return True

    def run(self, context: Context) -> None:
        variables = context.variables
        parameters = variables.get(f"{_PREFIX}.ScriptParameters")
        if variables.get(f"{_PREFIX}.ScriptSource").strip().lower() == "package":
            name = variables.text(f"{_PREFIX}.ScriptFileName").strip()
            path = inside(context.directory, name)
            if path is None or not path.is_file():
                raise StepFailed(f"The package has no script named {name}.")
            context.output.verbose(f"Running {name}")
            context.scripts.run_file(path, context.directory, parameters=parameters)
            return
        syntax = find_syntax(variables.get(f"{_PREFIX}.Syntax"))
        body = variables.get(f"{_PREFIX}.ScriptBody")
        if not body.strip():
            raise StepFailed("The step has no script.")
        context.scripts.run_body(
            syntax, body, context.directory, name="Script", parameters=parameters
        )


class InlineScripts:
    """Run the scripts that the step holds for a stage."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self.name = f"{stage} script of the step"

    def enabled(self, context: Context) -> bool:
        return context.has_feature("CustomScripts") and bool(self._bodies(context))

    def run(self, context: Context) -> None:
        for extension, body in self._bodies(context):
            syntax = EXTENSIONS.get(f".{extension}")
            if syntax is None:
                raise StepFailed(f"Scripts in .{extension} are not supported on this machine.")
            context.output.info(f"Running the {self._stage} script of the step ({syntax.name})")
            text = context.variables.evaluate(body).text
            context.scripts.run_body(syntax, text, context.directory, name=self._stage)

    def _bodies(self, context: Context) -> list[tuple[str, str]]:
        found = []
        for extension in _INLINE_ORDER:
            variable = f"Octopus.Action.CustomScripts.{self._stage}.{extension}"
            body = context.variables.get(variable)
            if body.strip():
                found.append((extension, body))
        return found


class PackagedScript:
    """Run the script that the package holds for a stage, then remove the stage's scripts."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self.name = f"{stage} script of the package"

    def enabled(self, context: Context) -> bool:
        switched_on = context.variables.flag("Octopus.Action.Package.RunScripts", default=True)
        return switched_on and bool(self._files(context.directory))

    def run(self, context: Context) -> None:
        files = self._files(context.directory)
        context.output.info(f"Running {files[0].name} of the package")
        for other in files[1:]:
            context.output.verbose(f"{other.name} does not run: {files[0].name} comes first")
        context.scripts.run_file(files[0], context.directory)
        if context.variables.flag("OctopusDeleteScriptsOnCleanup", default=True):
            for file in files:
                file.unlink(missing_ok=True)

    def _files(self, directory: Path) -> list[Path]:
        found = [
            path
            for path in directory.iterdir()
            if path.stem.lower() == self._stage.lower()
            and path.suffix.lower() in _PACKAGED_PREFERENCE
            and path.is_file()
        ]
        return sorted(
            found, key=lambda path: (_PACKAGED_PREFERENCE.index(path.suffix.lower()), path.name)
        )
