"""The text of a deployment's changes, by the project's template or without one.

The engine stands above this app, knows every variable and registers what evaluates here.
"""

from collections.abc import Callable, Mapping, Sequence

from agent.language import LanguageError, VariableSet, evaluate
from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.base.actor import Actor
from deployments.projects.settings import deployment_settings
from deployments.releases.changes.queries import (
    changes_markdown,
    changes_of,
)
from deployments.releases.models import Deployment, Release

Values = Callable[[Deployment], VariableSet]
_values: Values | None = None


def register_values(values: Values) -> None:
    """Register what returns the variables of a deployment, stored or not, without secrets."""
    global _values  # noqa: PLW0603 set once while the apps load
    _values = values


def written_changes(deployment: Deployment) -> Mapping[str, str]:
    """Return what is frozen with a deployment of a project with a template; nothing without."""
    template = deployment_settings(deployment.project.settings).changes_template
    if not template or _values is None:
        return {}
    return {"changes_markdown": _written(template, deployment, changes_of(deployment))}


def coming_changes(deployment: Deployment, releases: Sequence[Release]) -> str:
    """Return the text of a deployment that is not stored, which brings these releases."""
    return written_changes(deployment).get("changes_markdown", changes_markdown(releases))


def changes_text(
    deployment: Deployment, releases: Sequence[Release], *, viewer: Actor | None = None
) -> str:
    """Return the text of a deployment: as it was written when it was made, else of the releases.

    What was written tells of all of them, so only who may see the release gets it.
    """
    written = deployment.options.get("changes_markdown")
    if written is None or not (viewer is None or may_read(deployment, viewer)):
        return changes_markdown(releases)
    return str(written)


def may_read(deployment: Deployment, viewer: Actor) -> bool:
    """Tell whether somebody may see the release of a deployment."""
    return allows_on(viewer, deployment.release, Permission.ReleaseView)


def _written(template: str, deployment: Deployment, releases: Sequence[Release]) -> str:
    values = _values(deployment) if _values is not None else {}
    try:
        found = evaluate(template, values)
        problem = found.error
    except LanguageError as error:
        problem = str(error)
    if not problem:
        return found.text
    # A template with a mistake keeps nobody from deploying.
    return "\n\n".join(
        part
        for part in (
            f"*The template of deployment changes cannot be used: {problem}*",
            changes_markdown(releases),
        )
        if part
    )
