"""How long targets keep what earlier deployments installed there: said by the lifecycle."""

from deployments.projects.queries import lifecycle_of
from deployments.releases.models import Deployment

_NAMES = {
    "Items": "OctopusRetentionPolicyItemsToKeep",
    "Days": "OctopusRetentionPolicyDaysToKeep",
}


def retention_variables(deployment: Deployment) -> dict[str, str]:
    """Return the variable that agents read; none when everything is kept.

    The phase of the environment counts, else the lifecycle.
    """
    lifecycle = lifecycle_of(deployment.channel)
    own = (
        lifecycle.phases.filter(phase_environments__environment_id=deployment.environment_id)
        .exclude(tentacle_retention=None)
        .order_by("position")
        .first()
    )
    policy = (own.tentacle_retention if own is not None else None) or lifecycle.tentacle_retention
    if not policy or policy.get("Strategy", "Count") != "Count" or policy.get("ShouldKeepForever"):
        return {}
    quantity = policy.get("QuantityToKeep")
    name = _NAMES.get(str(policy.get("Unit")))
    if name is None or not isinstance(quantity, int) or quantity <= 0:
        return {}
    return {name: str(quantity)}
