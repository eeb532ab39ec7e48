"""What a trigger does: documents of the wire, checked; pure."""

import json
from collections.abc import Mapping
from typing import Any, Final

from deployments.base.errors import Invalid
from deployments.projects.triggers.filters import FEEDS, MACHINE, SCHEDULES
from deployments.projects.triggers.git_filter import GIT
from deployments.projects.triggers.project_filter import PROJECT
from deployments.projects.triggers.reading import texts_of, wrong

AUTO_DEPLOY: Final = "AutoDeploy"
DEPLOY_LATEST: Final = "DeployLatestRelease"
DEPLOY_NEW: Final = "DeployNewRelease"
CREATE_RELEASE: Final = "CreateRelease"
RUN_RUNBOOK: Final = "RunRunbook"

_MOST_ANSWERS: Final = 200
# Which actions follow on which filter.
ACTIONS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    MACHINE: (AUTO_DEPLOY,),
    **dict.fromkeys(SCHEDULES, (DEPLOY_LATEST, DEPLOY_NEW, RUN_RUNBOOK)),
    **dict.fromkeys(FEEDS, (CREATE_RELEASE,)),
    PROJECT: (DEPLOY_LATEST, CREATE_RELEASE, DEPLOY_NEW, RUN_RUNBOOK),
    GIT: (CREATE_RELEASE, DEPLOY_NEW, RUN_RUNBOOK),
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
    if kind == RUN_RUNBOOK:
        return _run_of_runbook(document)
    channel = str(document.get("ChannelId") or "") or None
    if kind == CREATE_RELEASE:
        return {"ActionType": kind, "ChannelId": channel}
    shared = {
        "ActionType": kind,
        "ChannelId": channel,
        "TenantIds": texts_of(document, "TenantIds"),
        "TenantTags": texts_of(document, "TenantTags"),
        "Variables": _answers(document.get("Variables")),
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


def environments_named(filter_: Mapping[str, Any], action: Mapping[str, Any]) -> frozenset[str]:
    """Return the environments that a trigger's filter and action name, by public id."""
    single = [action.get(name) for name in ("DestinationEnvironmentId", "EnvironmentId")]
    several = [
        *filter_.get("EnvironmentIds", ()),
        *action.get("EnvironmentIds", ()),
        *action.get("SourceEnvironmentIds", ()),
    ]
    return frozenset(text for text in (*single, *several) if text)


def _run_of_runbook(document: Mapping[str, Any]) -> dict[str, Any]:
    runbook = str(document.get("RunbookId") or "") or None
    tags = texts_of(document, "RunbookTags")
    if not runbook and not tags:
        raise wrong("RunbookId", "Choose the runbook to run: RunbookId or RunbookTags.")
    if runbook and tags:
        raise wrong("RunbookTags", "Choose either one runbook or the tags of several.")
    environments = texts_of(document, "EnvironmentIds")
    if not environments:
        raise wrong("EnvironmentIds", "Choose at least one environment to run it in.")
    answers = _answers(document.get("FormValues"))
    return {
        "ActionType": RUN_RUNBOOK,
        "RunbookId": runbook,
        "RunbookTags": tags,
        "EnvironmentIds": environments,
        "TenantIds": texts_of(document, "TenantIds"),
        "TenantTags": texts_of(document, "TenantTags"),
        "FormValues": json.loads(answers) if answers else {},
    }


def answers_of_action(action: Mapping[str, Any]) -> dict[str, str]:
    """Return the answers to prompted variables, by name or id."""
    if "FormValues" in action:
        return dict(action["FormValues"])
    text = action.get("Variables")
    return dict(json.loads(text)) if text else {}


def _answers(value: object) -> str | None:
    """Return the answers as clients send them, a JSON object in a text; None without any."""
    if value is None or not str(value).strip():
        return None
    try:
        answers = value if isinstance(value, dict) else json.loads(str(value))
    except ValueError as error:
        raise wrong("Variables", "The answers to prompts are no JSON object.") from error
    if answers is None:
        return None
    if not isinstance(answers, dict) or len(answers) > _MOST_ANSWERS:
        raise wrong("Variables", "The answers to prompts are no JSON object.")
    texts = {str(name): str(text) for name, text in answers.items() if text is not None}
    return json.dumps(texts) if texts else None


def _required(document: Mapping[str, Any], name: str) -> str:
    value = str(document.get(name) or "")
    if not value:
        raise wrong(name, f"Choose the environment to deploy to: {name} is required.")
    return value
