"""Deploy a Package: transfer, extract, configure and run the package's scripts on targets."""

from deployments.execution.steps.features import (
    configuration,
    custom_scripts,
    lacks,
    package,
    switch_on_scripts,
)
from deployments.execution.steps.step_type import Property, PropertyKind, StepType

_PACKAGE = "Octopus.Action.Package"


STEP = StepType(
    action_type="Octopus.TentaclePackage",
    name="Deploy a Package",
    summary="Extract a package on targets, fill in variables and run its scripts.",
    category="Package",
    command="deploy_package",
    prepare=switch_on_scripts,
    check=lacks,
    properties=(
        package(),
        Property(
            f"{_PACKAGE}.SkipIfAlreadyInstalled",
            "Skip when this version is already installed",
            PropertyKind.CHECKBOX,
            default="False",
        ),
        *custom_scripts(),
        *configuration(),
        Property(
            f"{_PACKAGE}.CustomInstallationDirectory",
            "Custom installation directory",
            help="Copy the package's files here as well; may contain variables.",
            section="Custom installation directory",
        ),
        Property(
            f"{_PACKAGE}.CustomInstallationDirectoryShouldBePurgedBeforeDeployment",
            "Empty that directory first",
            PropertyKind.CHECKBOX,
            default="False",
            section="Custom installation directory",
        ),
        Property(
            f"{_PACKAGE}.CustomInstallationDirectoryPurgeExclusions",
            "But keep",
            PropertyKind.LINES,
            help="One file, directory or pattern on each line, such as data or *.log.",
            shown_when=(
                f"{_PACKAGE}.CustomInstallationDirectoryShouldBePurgedBeforeDeployment",
                "True",
            ),
            section="Custom installation directory",
        ),
    ),
)
