"""The forms of triggers that wait for something: targets, packages, another project, commits."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import QueryDict

from deployments.access.web.forms import words
from deployments.audit.categories import CATEGORIES
from deployments.projects.models import Project
from deployments.projects.queries import process_of, read_process
from deployments.projects.triggers import filters
from deployments.projects.triggers.actions import ACTIONS_OF, AUTO_DEPLOY, CREATE_RELEASE
from deployments.projects.triggers.git_filter import GIT
from deployments.projects.triggers.project_filter import DEPLOYED, HAPPENINGS, PROJECT, RELEASED
from deployments.projects.triggers.words import GROUP_WORDS
from deployments.projects.web.triggers.action_fields import action_sent, action_shown

_REDEPLOYS: Final = "ShouldRedeployWhenMachineHasBeenDeployedTo"
_SEPARATOR: Final = "\t"


def targets_sent(sent: QueryDict) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return filter and action of a form about targets."""
    sent_filter = {
        "FilterType": filters.MACHINE,
        "EventGroups": sent.getlist("groups"),
        "EventCategories": sent.getlist("categories"),
        "EnvironmentIds": sent.getlist("environments"),
        "Roles": words(sent.get("roles", "")),
    }
    return sent_filter, {"ActionType": AUTO_DEPLOY, _REDEPLOYS: bool(sent.get("redeploys"))}


def targets_shown(
    _: Project, shown: Mapping[str, Any], action: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a form about targets shows."""
    return {
        "groups": [(name, GROUP_WORDS[name]) for name in filters.MACHINE_GROUPS],
        "chosen_groups": shown.get("EventGroups", []),
        "categories": [(name, CATEGORIES[name]) for name in filters.MACHINE_CATEGORIES],
        "chosen_categories": shown.get("EventCategories", []),
        "chosen_environments": shown.get("EnvironmentIds", []),
        "roles": ", ".join(shown.get("Roles", [])),
        "redeploys": action.get(_REDEPLOYS, False),
    }


def packages_sent(sent: QueryDict) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return filter and action of a form about packages."""
    pairs = [text.partition(_SEPARATOR) for text in sent.getlist("packages")]
    is_any = sent.get("how") == filters.ANY_NEW
    sent_filter = {
        "FilterType": filters.ANY_NEW if is_any else filters.ALL_ARRIVED,
        "Packages": [
            {"DeploymentAction": action, "PackageReference": reference}
            for action, _, reference in pairs
        ],
    }
    return sent_filter, {"ActionType": CREATE_RELEASE, "ChannelId": sent.get("channel", "")}


def packages_shown(
    project: Project, shown: Mapping[str, Any], _: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a form about packages shows."""
    chosen = shown.get("Packages", [])
    return {
        "packages": [
            (
                f"{action.name}{_SEPARATOR}{package.name}",
                f"{action.name}: {package.package_id}" if package.package_id else action.name,
            )
            for _step, action in read_process(process_of(project)).actions()
            for package in action.packages
        ],
        "chosen_packages": [
            f"{each['DeploymentAction']}{_SEPARATOR}{each['PackageReference']}" for each in chosen
        ],
        "how": shown.get("FilterType") or filters.ALL_ARRIVED,
    }


def project_sent(sent: QueryDict) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return filter and action of a form about another project."""
    happening = sent.get("happening", DEPLOYED)
    sent_filter = {
        "FilterType": PROJECT,
        "SourceProjectId": sent.get("source_project", ""),
        "EventCategory": happening,
        # Those of the other choice are hidden, and not meant.
        "EnvironmentIds": [] if happening == RELEASED else sent.getlist("environments"),
    }
    return sent_filter, action_sent(sent, ACTIONS_OF[PROJECT])


def project_shown(
    project: Project, shown: Mapping[str, Any], action: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a form about another project shows; the page adds which projects there are."""
    return {
        "source_project": shown.get("SourceProjectId", ""),
        "happenings": HAPPENINGS.items(),
        "happening": shown.get("EventCategory") or DEPLOYED,
        "chosen_environments": shown.get("EnvironmentIds", []),
        **action_shown(project, action, ACTIONS_OF[PROJECT]),
        # A deployment for each of many tenants would deploy this project as often.
        "redeploys": action.get("ShouldRedeployWhenReleaseIsCurrent", False),
        "without_tenants": (
            "Without tenants and tags: the tenant of the other project's deployment, if this"
            " project is deployed for it."
        ),
    }


def git_sent(sent: QueryDict) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return filter and action of a form about a Git repository."""
    sent_filter = {
        "FilterType": GIT,
        "RepositoryUri": sent.get("uri", ""),
        "Username": sent.get("username", ""),
        "Branches": words(sent.get("branches", "")),
        "Tags": words(sent.get("tag_names", "")),
    }
    return sent_filter, action_sent(sent, ACTIONS_OF[GIT])


def git_shown(
    project: Project, shown: Mapping[str, Any], action: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a form about a Git repository shows; the page adds whether it has a password."""
    return {
        "uri": shown.get("RepositoryUri", ""),
        "username": shown.get("Username", ""),
        "branches": ", ".join(shown.get("Branches", [])),
        "tag_names": ", ".join(shown.get("Tags", [])),
        **action_shown(project, action, ACTIONS_OF[GIT]),
    }
