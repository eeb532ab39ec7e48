"""Run a Script: bash, Python or PowerShell, on targets or on a worker."""

from deployments.execution.steps.features import configuration
from deployments.execution.steps.step_type import Property, PropertyKind, StepType
from deployments.execution.variables import Variables

_SCRIPT = "Octopus.Action.Script"
_SYNTAXES = (("Bash", "Bash"), ("Python", "Python"), ("PowerShell", "PowerShell"))
_SOURCES = (("Inline", "Written here"), ("Package", "A file in a package"))


def check(variables: Variables) -> str:
    """Return why the script cannot run."""
    source = variables.text(f"{_SCRIPT}.ScriptSource", "Inline")
    if source == "Inline":
        syntax = variables.text(f"{_SCRIPT}.Syntax", "Bash")
        if syntax.lower() not in {name.lower() for name, _ in _SYNTAXES}:
            return f"Scripts in {syntax} are not supported; use Bash, Python or PowerShell."
        body = variables.text(f"{_SCRIPT}.ScriptBody")
        return "" if body.strip() else "The script is empty."
    if source == "Package":
        name = variables.text(f"{_SCRIPT}.ScriptFileName")
        return "" if name.strip() else "The script's file name in the package is missing."
    return f"Scripts from the source {source} are not supported."


STEP = StepType(
    action_type="Octopus.Script",
    name="Run a Script",
    summary="Run a bash, Python or PowerShell script on targets or on a worker.",
    category="Script",
    command="script",
    may_run_on_worker=True,
    check=check,
    properties=(
        Property(
            "Octopus.Action.RunOnServer",
            "Run on",
            PropertyKind.SELECT,
            help="With target tags, a worker runs the script once on behalf of each target.",
            default="false",
            options=(("false", "Deployment targets"), ("true", "A worker")),
        ),
        Property(
            f"{_SCRIPT}.ScriptSource",
            "Script source",
            PropertyKind.SELECT,
            default="Inline",
            options=_SOURCES,
        ),
        Property(
            f"{_SCRIPT}.Syntax",
            "Language",
            PropertyKind.SELECT,
            default="Bash",
            options=_SYNTAXES,
            shown_when=(f"{_SCRIPT}.ScriptSource", "Inline"),
        ),
        Property(
            f"{_SCRIPT}.ScriptBody",
            "Script",
            PropertyKind.CODE,
            help="#{Name} inserts a variable before the script runs.",
            required=True,
            syntax=f"{_SCRIPT}.Syntax",
            shown_when=(f"{_SCRIPT}.ScriptSource", "Inline"),
        ),
        Property(
            "Octopus.Action.Package.PackageId",
            "Package",
            PropertyKind.PACKAGE,
            required=True,
            shown_when=(f"{_SCRIPT}.ScriptSource", "Package"),
        ),
        Property(
            f"{_SCRIPT}.ScriptFileName",
            "File in the package",
            help="The path of the script below the root of the package.",
            required=True,
            shown_when=(f"{_SCRIPT}.ScriptSource", "Package"),
        ),
        Property(
            f"{_SCRIPT}.ScriptParameters",
            "Parameters",
            help="Words after the script's name, quoted as in a shell.",
        ),
        Property(
            "Octopus.Action.FailScriptOnErrorOutput",
            "Error output counts as failure",
            PropertyKind.CHECKBOX,
            default="False",
        ),
        *configuration(),
    ),
)
