"""What a trigger does: documents of the wire, checked; pure."""

from collections.abc import Mapping
from typing import Any, Final

from deployments.base.errors import Invalid
from deployments.projects.triggers.filters import FEEDS, MACHINE, SCHEDULES, texts_of

AUTO_DEPLOY: Final = "AutoDeploy"
DEPLOY_LATEST: Final = "DeployLatestRelease"
DEPLOY_NEW: Final = "DeployNewRelease"
CREATE_RELEASE: Final = "CreateRelease"

# Which actions follow on which filter.
ACTIONS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    MACHINE: (AUTO_DEPLOY,),
    **dict.fromkeys(SCHEDULES, (DEPLOY_LATEST, DEPLOY_NEW)),
    **dict.fromkeys(FEEDS, (CREATE_RELEASE,)),
}


def checked_action(document: Mapping[str, Any], filter_type: str) -> dict[str, Any]:
    """Return the action as it is kept. Raises Invalid."""
    kind = str(document.get("ActionType") or "")
    possible = ACTIONS_OF[filter_type]
    if kind not in possible:
        raise Invalid(
            fields={"Action": [f"With {filter_type} the action must be {' or '.join(possible)}."]}
        )
    if kind == AUTO_DEPLOY:
        name = "ShouldRedeployWhenMachineHasBeenDeployedTo"
        return {"ActionType": kind, name: document.get(name) is True}
    channel = str(document.get("ChannelId") or "") or None
    if kind == CREATE_RELEASE:
        return {"ActionType": kind, "ChannelId": channel}
    if document.get("Variables"):
        raise _wrong(
            "Variables",
            "A trigger cannot answer prompted variables; give them a default value instead.",
        )
    shared = {
        "ActionType": kind,
        "ChannelId": channel,
        "TenantIds": texts_of(document, "TenantIds"),
        "TenantTags": texts_of(document, "TenantTags"),
        "Variables": None,
    }
    if kind == DEPLOY_NEW:
        return {**shared, "EnvironmentId": _required(document, "EnvironmentId")}
    # Older clients know one source only.
    one = str(document.get("SourceEnvironmentId") or "")
    sources = texts_of(document, "SourceEnvironmentIds")
    return {
        **shared,
        "SourceEnvironmentIds": sources or ([one] if one else []),
        "DestinationEnvironmentId": _required(document, "DestinationEnvironmentId"),
        "ShouldRedeployWhenReleaseIsCurrent": (
            document.get("ShouldRedeployWhenReleaseIsCurrent") is not False
        ),
    }


def _required(document: Mapping[str, Any], name: str) -> str:
    value = str(document.get(name) or "")
    if not value:
        raise _wrong(name, f"Choose the environment to deploy to: {name} is required.")
    return value


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(fields={field: [message]})
