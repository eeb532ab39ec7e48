"""Health Check: look at the targets in the middle of a deployment."""

from deployments.execution.steps.health_check.checking import (
    AS_ERRORS,
    AS_WARNINGS,
    FULL,
    INCLUDED,
    PREFIX,
    UNCHANGED,
    begin,
    check,
    look,
)
from deployments.execution.steps.step_type import Property, PropertyKind, StepType
from deployments.infrastructure.services.health import CONNECTION_TEST

STEP = StepType(
    action_type="Octopus.HealthCheck",
    name="Health Check",
    summary="Check the targets with some tags, and fail or leave out those that are not in order.",
    category="Other",
    begin=begin,
    look=look,
    check=check,
    about_targets=True,
    properties=(
        Property(
            f"{PREFIX}.Type",
            "What is checked",
            PropertyKind.SELECT,
            default=FULL,
            options=(
                (FULL, "Run the health script of the machine policy"),
                (CONNECTION_TEST, "Only whether the agent answers"),
            ),
        ),
        Property(
            f"{PREFIX}.ErrorHandling",
            "When a target fails the check",
            PropertyKind.SELECT,
            default=AS_ERRORS,
            options=(
                (AS_ERRORS, "Fail the deployment"),
                (AS_WARNINGS, "Leave the target out of the rest of the deployment"),
            ),
        ),
        Property(
            f"{PREFIX}.IncludeMachinesInDeployment",
            "Targets that are new since the deployment began",
            PropertyKind.SELECT,
            default=UNCHANGED,
            options=(
                (UNCHANGED, "They do not take part"),
                (INCLUDED, "Check them too, and let those in order take part in the steps behind"),
            ),
        ),
    ),
)
