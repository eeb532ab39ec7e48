"""The filter of triggers that follow another project; pure."""

from collections.abc import Mapping
from typing import Any, Final

from deployments.projects.triggers.reading import texts_of, wrong

PROJECT: Final = "ProjectFilter"
DEPLOYED: Final = "DeploymentSucceeded"
RELEASED: Final = "ReleaseCreated"
# What of another project a trigger may wait for, in words.
HAPPENINGS: Final[Mapping[str, str]] = {
    DEPLOYED: "a release is deployed successfully",
    RELEASED: "a release is created",
}


def checked_project_filter(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filter as it is kept; environments count for deployments only. Raises Invalid."""
    source = str(document.get("SourceProjectId") or "").strip()
    if not source:
        raise wrong("SourceProjectId", "Choose the project to follow: SourceProjectId is required.")
    happening = str(document.get("EventCategory") or DEPLOYED)
    if happening not in HAPPENINGS:
        raise wrong("EventCategory", f"'{happening}' is not one of {', '.join(HAPPENINGS)}.")
    environments = texts_of(document, "EnvironmentIds")
    if environments and happening == RELEASED:
        raise wrong("EnvironmentIds", "A release that is created is in no environment yet.")
    return {
        "SourceProjectId": source,
        "EventCategory": happening,
        "EnvironmentIds": environments,
    }


def takes(document: Mapping[str, Any], happening: str, environment: str) -> bool:
    """Whether what happened in the project counts; `environment` is empty for a release."""
    if document["EventCategory"] != happening:
        return False
    return not document["EnvironmentIds"] or environment in document["EnvironmentIds"]
