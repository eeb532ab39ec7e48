"""Releases of other projects that a release deploys: found as packages are, by project."""

from collections.abc import Iterable

from agent.versions import Version
from deployments.base import public_ids
from deployments.base.models import Space
from deployments.projects.models import Project
from deployments.projects.process.shape import PROJECT_FEED_ID
from deployments.projects.version_rules import VersionRule
from deployments.releases.models import Release
from deployments.releases.queries import releases_of


def projects_named(space: Space, references: Iterable[tuple[str, str]]) -> dict[str, Project]:
    """Return the projects that pairs of feed and package id mean, by the package id."""
    numbers = {
        text: public_ids.parse(Project.id_prefix, text)
        for feed_id, text in references
        if feed_id.lower() == PROJECT_FEED_ID
    }
    rows = Project.objects.in_space(space).in_bulk([n for n in numbers.values() if n])
    return {text: rows[number] for text, number in numbers.items() if number in rows}


def newest_release(
    project: Project, *, rule: VersionRule | None, prerelease: str = ""
) -> Release | None:
    """Return the release made last that the rule accepts; the highest number plays no part."""
    for row in releases_of(project).order_by("-pk").iterator(chunk_size=100):
        version = Version.parse(row.version)
        if rule is not None and not rule.accepts(version):
            continue
        if prerelease and not version.prerelease.lower().startswith(prerelease.lower()):
            continue
        return row
    return None
