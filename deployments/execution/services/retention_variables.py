"""How long targets keep what earlier deployments installed there: said by the lifecycle."""

from deployments.projects.queries import lifecycle_of
from deployments.projects.retention import stored_policy
from deployments.projects.services.retention_defaults import TARGETS, retention_defaults
from deployments.releases.models import Deployment

_NAMES = {
    "Items": "OctopusRetentionPolicyItemsToKeep",
    "Days": "OctopusRetentionPolicyDaysToKeep",
}


def retention_variables(deployment: Deployment) -> dict[str, str]:
    """Return the variable that agents read; none when everything is kept.

    The phase of the environment counts, else the lifecycle, which may refer to the space.
    """
    lifecycle = lifecycle_of(deployment.channel)
    own = (
        lifecycle.phases.filter(phase_environments__environment_id=deployment.environment_id)
        .exclude(tentacle_retention=None)
        .order_by("position")
        .first()
    )
    document = (own.tentacle_retention if own is not None else None) or lifecycle.tentacle_retention
    default = retention_defaults(deployment.space)[TARGETS]
    policy = stored_policy(document, default)
    if policy.keeps_everything:
        return {}
    return {_NAMES[policy.unit]: str(policy.quantity)}
