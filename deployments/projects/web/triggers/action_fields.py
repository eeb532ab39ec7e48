"""The part of a trigger's form that says what it does: releases, deployments, runbooks."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import QueryDict

from deployments.access.web.forms import words
from deployments.base import public_ids
from deployments.library.tenancy import tenant_words
from deployments.projects.models import Project
from deployments.projects.queries import runbooks_of
from deployments.projects.runbook_tags import runbook_tag_sets_of
from deployments.projects.runbooks import runbook_document
from deployments.projects.settings import extra_document
from deployments.projects.triggers.actions import (
    CREATE_RELEASE,
    DEPLOY_LATEST,
    DEPLOY_NEW,
    RUN_RUNBOOK,
    answers_of_action,
)

_WORDS: Final = {
    DEPLOY_LATEST: (
        "Deploy the latest release: what is current in the source environments, else the newest"
        " that may go there"
    ),
    CREATE_RELEASE: "Create a release with the newest packages; the lifecycle says where it goes",
    DEPLOY_NEW: "Deploy a new release with the newest packages",
    RUN_RUNBOOK: "Run runbooks, as they are published then",
}


def action_sent(sent: QueryDict, possible: Sequence[str]) -> dict[str, Any]:
    """Return the action of a form that offers these, the first unless one was chosen."""
    destination, wanted = sent.get("destination", ""), sent.get("action", "")
    answers = _answers_sent(sent.get("answers", ""))
    return {
        "ActionType": wanted if wanted in possible else possible[0],
        "SourceEnvironmentIds": sent.getlist("sources"),
        "DestinationEnvironmentId": destination,
        "EnvironmentId": destination,
        "ChannelId": sent.get("channel", ""),
        "Variables": answers,
        "FormValues": answers,
        "RunbookId": "" if sent.get("which") == "tags" else sent.get("runbook", ""),
        "RunbookTags": sent.getlist("runbook_tags") if sent.get("which") == "tags" else [],
        "EnvironmentIds": sent.getlist("places"),
        "TenantIds": words(sent.get("tenants", "")),
        "TenantTags": words(sent.get("tags", "")),
        "ShouldRedeployWhenReleaseIsCurrent": bool(sent.get("redeploys")),
    }


def action_shown(
    project: Project, action: Mapping[str, Any], possible: Sequence[str]
) -> dict[str, Any]:
    """Return what the form shows of the action; runbooks are offered where there are any."""
    runbooks, runbook = runbooks_of(project), action.get("RunbookId") or ""
    offered = [kind for kind in possible if kind != RUN_RUNBOOK or runbook or runbooks]
    return {
        "actions": [(kind, _WORDS[kind]) for kind in offered],
        "action": action.get("ActionType") or possible[0],
        "sources": action.get("SourceEnvironmentIds", []),
        "destination": action.get("DestinationEnvironmentId") or action.get("EnvironmentId"),
        "redeploys": action.get("ShouldRedeployWhenReleaseIsCurrent", True),
        "has_tenants": _has_tenants(project),
        "tenants": ", ".join(_tenants_shown(project, action.get("TenantIds", []))),
        "tags": ", ".join(action.get("TenantTags", [])),
        "without_tenants": "Without tenants and tags it is done without a tenant.",
        "answers": _answers_shown(action.get("Variables") or action.get("FormValues")),
        "runbooks": runbooks,
        "runbook": runbook,
        "runbook_tag_sets": runbook_tag_sets_of(project.space),
        "runbook_tags": action.get("RunbookTags", []),
        "places": action.get("EnvironmentIds", []),
    }


def _answers_sent(text: str) -> dict[str, str]:
    """Return the answers to prompts that a person typed, a name and its value in each line."""
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _has_tenants(project: Project) -> bool:
    return extra_document(project.extra)["TenantedDeploymentMode"] != "Untenanted" or any(
        runbook_document(each.settings)["MultiTenancyMode"] != "Untenanted"
        for each in runbooks_of(project)
    )


def _tenants_shown(project: Project, texts: Sequence[str]) -> list[str]:
    """Return tenants by name, as they are typed; what is no id is shown as it was."""
    numbers = {text: public_ids.parse("Tenants", text) for text in texts}
    known = [number for number in numbers.values() if number is not None]
    typed = [text for text, number in numbers.items() if number is None]
    return [*tenant_words(project.space, known), *typed]


def _answers_shown(answers: Any) -> str:
    """Return answers as they are typed; those of a refused form are no text yet."""
    pairs = answers if isinstance(answers, dict) else answers_of_action({"Variables": answers})
    return "\n".join(f"{name} = {value}" for name, value in pairs.items())
