"""Manual intervention: the task waits until somebody responsible says Proceed or Abort."""

from deployments.execution.steps.step_type import Property, PropertyKind, Question, StepType
from deployments.execution.variables import Variables
from deployments.projects.process import split_list

_MANUAL = "Octopus.Action.Manual"


def ask(variables: Variables) -> Question:
    """Return the question with the instructions filled in."""
    return Question(
        title=variables.text("Octopus.Action.Name"),
        instructions=variables.text(f"{_MANUAL}.Instructions"),
        team_ids=split_list(variables.text(f"{_MANUAL}.ResponsibleTeamIds")),
    )


STEP = StepType(
    action_type="Octopus.Manual",
    name="Manual Intervention Required",
    summary="Pause until somebody has looked and says to go on.",
    category="Other",
    ask=ask,
    properties=(
        Property(
            f"{_MANUAL}.Instructions",
            "Instructions",
            PropertyKind.LINES,
            help="Markdown; may contain variables.",
            required=True,
        ),
        Property(
            f"{_MANUAL}.ResponsibleTeamIds",
            "Responsible teams",
            PropertyKind.TEAMS,
            help="Without a team, everybody who may deploy the project can answer.",
        ),
        Property(
            f"{_MANUAL}.BlockConcurrentDeployments",
            "Hold back other deployments to the same environment meanwhile",
            PropertyKind.CHECKBOX,
            default="False",
        ),
    ),
)
