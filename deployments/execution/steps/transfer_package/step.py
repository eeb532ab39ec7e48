"""Transfer a Package: bring the file to targets and place it in a directory, as it is."""

from deployments.execution.steps.features import lacks, package
from deployments.execution.steps.step_type import Property, StepType
from deployments.execution.variables import Variables

_PACKAGE = "Octopus.Action.Package"


def check(variables: Variables) -> str:
    """Return why the package cannot be transferred."""
    return lacks(variables, {f"{_PACKAGE}.TransferPath": "directory to transfer the package to"})


STEP = StepType(
    action_type="Octopus.TransferPackage",
    name="Transfer a Package",
    summary="Copy a package's file to a directory of each target, without extracting it.",
    category="Package",
    command="transfer_package",
    check=check,
    properties=(
        package(),
        Property(
            f"{_PACKAGE}.TransferPath",
            "Directory",
            required=True,
            help="An absolute path; may contain variables, also outputs of earlier steps. The file"
            " is named after package and version; later steps find it in the output variables"
            " Package.DirectoryPath, Package.FileName and Package.FilePath.",
        ),
    ),
)
