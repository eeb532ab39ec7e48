"""Deploy a Package: transfer, extract, configure and run the package's scripts on targets."""

from deployments.execution.steps.step_type import Property, PropertyKind, StepType
from deployments.execution.variables import Variables

_PACKAGE = "Octopus.Action.Package"
_SCRIPTS = "Octopus.Action.CustomScripts"
_FEATURES = "Octopus.Action.EnabledFeatures"
_SUBSTITUTE = "Octopus.Action.SubstituteInFiles"


def check(variables: Variables) -> str:
    """Return why the package cannot be deployed."""
    if not variables.text(f"{_PACKAGE}.PackageId").strip():
        return "The step names no package."
    return ""


def prepare(variables: Variables) -> None:
    """Switch on the step's own scripts when a client that knows no features has set some."""
    if variables.text(_FEATURES):
        return
    prefix = f"{_SCRIPTS}.".lower()
    if any(name.lower().startswith(prefix) and value.text.strip() for name, value in variables):
        variables.set(_FEATURES, "Octopus.Features.CustomScripts")


def _stage(name: str, when: str) -> Property:
    return Property(
        f"{_SCRIPTS}.{name}.sh",
        f"{name} script",
        PropertyKind.CODE,
        help=f"A bash script that runs {when}; a file {name}.sh in the package does the same.",
        syntax="Bash",
    )


STEP = StepType(
    action_type="Octopus.TentaclePackage",
    name="Deploy a Package",
    summary="Extract a package on targets, fill in variables and run its scripts.",
    category="Package",
    command="deploy_package",
    uses_package=True,
    prepare=prepare,
    check=check,
    properties=(
        Property(f"{_PACKAGE}.PackageId", "Package", PropertyKind.PACKAGE, required=True),
        Property(
            f"{_PACKAGE}.CustomInstallationDirectory",
            "Custom installation directory",
            help="Copy the package's files here as well; may contain variables.",
        ),
        Property(
            f"{_PACKAGE}.CustomInstallationDirectoryShouldBePurgedBeforeDeployment",
            "Empty that directory first",
            PropertyKind.CHECKBOX,
            default="False",
        ),
        Property(
            f"{_PACKAGE}.SkipIfAlreadyInstalled",
            "Skip when this version is already installed",
            PropertyKind.CHECKBOX,
            default="False",
        ),
        Property(
            f"{_SUBSTITUTE}.Enabled",
            "Substitute variables in files",
            PropertyKind.CHECKBOX,
            default="False",
        ),
        Property(
            f"{_SUBSTITUTE}.TargetFiles",
            "Files",
            PropertyKind.LINES,
            help="One file or pattern on each line, such as config/*.json.",
            shown_when=(f"{_SUBSTITUTE}.Enabled", "True"),
        ),
        _stage("PreDeploy", "before files are configured"),
        _stage("Deploy", "once the files are in place"),
        _stage("PostDeploy", "at the end"),
    ),
)
