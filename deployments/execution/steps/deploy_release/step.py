"""Deploy a Release: of another project, to the same environment, and wait for its end."""

from deployments.execution.steps.deploy_release.child import begin, look
from deployments.execution.steps.deploy_release.settings import CONDITIONS, PREFIX, check
from deployments.execution.steps.step_type import Property, PropertyKind, StepType
from deployments.projects.process.shape import CHILD_PROJECT, DEPLOY_RELEASE

STEP = StepType(
    action_type=DEPLOY_RELEASE,
    name="Deploy a Release",
    summary="Deploy a release of another project to the same environment and wait for its end.",
    category="Other",
    begin=begin,
    look=look,
    check=check,
    properties=(
        Property(
            CHILD_PROJECT,
            "Project",
            PropertyKind.PROJECT,
            required=True,
            help="Which of its releases is chosen, like a package, when a release of this project"
            " is created: the one made last unless another one is picked.",
        ),
        Property(
            f"{PREFIX}.DeploymentCondition",
            "Deploy it",
            PropertyKind.SELECT,
            default="Always",
            options=CONDITIONS,
        ),
        Property(
            f"{PREFIX}.Variables",
            "Variables to pass",
            PropertyKind.LINES,
            help="Name = value, one in each line; #{Name} inserts a variable of this deployment."
            " They overrule all values of the other project.",
        ),
    ),
)
