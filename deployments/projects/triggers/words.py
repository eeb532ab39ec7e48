"""Triggers in words, for lists and pages; pure."""

from collections.abc import Mapping
from typing import Any

from deployments.projects.triggers.actions import (
    AUTO_DEPLOY,
    CREATE_RELEASE,
    DEPLOY_NEW,
    RUN_RUNBOOK,
)
from deployments.projects.triggers.filters import ALL_ARRIVED, FEEDS, MACHINE, timetable_of
from deployments.projects.triggers.git_filter import GIT
from deployments.projects.triggers.project_filter import DEPLOYED, PROJECT

GROUP_WORDS: Mapping[str, str] = {
    "Machine": "Anything happens to a target",
    "MachineAvailableForDeployment": "A target becomes available for deployment",
    "MachineUnavailableForDeployment": "A target is no longer available for deployment",
    "MachineHealthChanged": "The health of a target changes",
    "MachineCritical": "Something critical happens to a target",
}


def filter_words(document: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Say what sets the trigger off; `names` has environments and projects by public id."""
    kind = document["FilterType"]
    if kind == MACHINE:
        return _machine(document, names)
    if kind in FEEDS:
        steps = ", ".join(each["DeploymentAction"] for each in document["Packages"])
        how = "all packages have arrived in one version" if kind == ALL_ARRIVED else "one is new"
        return f"Packages of {steps}: when {how}"
    if kind == PROJECT:
        return _of_project(document, names)
    if kind == GIT:
        return _of_repository(document)
    table = timetable_of(document)
    return f"{table.schedule}, {table.zone_name}"


def action_words(document: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Say what the trigger does; `names` has what it names by public id."""

    def named(text: str | None) -> str:
        return names.get(text or "", text or "")

    kind = document["ActionType"]
    channel = f" of the channel {named(document['ChannelId'])}" if document.get("ChannelId") else ""
    if kind == AUTO_DEPLOY:
        return "Deploy what is current to the target"
    if kind == CREATE_RELEASE:
        return f"Create a release{channel.replace(' of ', ' in ')}"
    if whom := ", ".join((*map(named, document["TenantIds"]), *document["TenantTags"])):
        whom = f" for {whom}"
    if kind == RUN_RUNBOOK:
        where = ", ".join(map(named, document["EnvironmentIds"]))
        tags = ", ".join(document.get("RunbookTags", ()))
        which = f"the runbooks tagged {tags}" if tags else named(document["RunbookId"])
        return f"Run {which} in {where}{whom}"
    if kind == DEPLOY_NEW:
        new = channel.replace(" of ", " in ")
        return f"Create a release{new} and deploy it to {named(document['EnvironmentId'])}{whom}"
    sources = ", ".join(named(text) for text in document["SourceEnvironmentIds"])
    which = f"what is current in {sources}" if sources else "the newest release"
    return f"Deploy {which}{channel} to {named(document['DestinationEnvironmentId'])}{whom}"


def _machine(document: Mapping[str, Any], names: Mapping[str, str]) -> str:
    groups = [GROUP_WORDS.get(name, name) for name in document["EventGroups"]]
    what = "; ".join((*groups, *document["EventCategories"])) or GROUP_WORDS["Machine"]
    where = ", ".join(names.get(text, text) for text in document["EnvironmentIds"])
    roles = ", ".join(document["Roles"])
    return "".join((what, f", in {where}" if where else "", f", tagged {roles}" if roles else ""))


def _of_project(document: Mapping[str, Any], names: Mapping[str, str]) -> str:
    source = names.get(document["SourceProjectId"], document["SourceProjectId"])
    if document["EventCategory"] != DEPLOYED:
        return f"A release of {source} is created"
    where = ", ".join(names.get(text, text) for text in document["EnvironmentIds"])
    return f"{source} is deployed successfully{f' to {where}' if where else ''}"


def _of_repository(document: Mapping[str, Any]) -> str:
    kinds = (("branches", document["Branches"]), ("tags", document["Tags"]))
    what = " and ".join(f"{kind} {', '.join(names)}" for kind, names in kinds if names)
    return f"New in {document['RepositoryUri']}: {what}"
