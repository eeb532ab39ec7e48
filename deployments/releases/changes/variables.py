"""What scripts and templates read of the changes of a deployment."""

from collections.abc import Sequence
from typing import Any

from deployments.releases.builds import (
    commits_variables,
    items_variables,
    literal,
    story_variables,
    work_items_of,
)
from deployments.releases.models import Release

_DEPLOYMENT = "Octopus.Deployment"


def changes_variables(releases: Sequence[Release], *, text: str) -> dict[str, str]:
    """Return the changes, one entry for each release, and what all of them bring together.

    The commits of a release stand once below it and once below the builds of the deployment.
    """
    values = {f"{_DEPLOYMENT}.ChangesMarkdown": literal(text)}
    for number, row in enumerate(releases):
        name = f"{_DEPLOYMENT}.Changes[{number}]"
        values[f"{name}.Version"] = literal(row.version)
        values[f"{name}.ReleaseNotes"] = literal(row.notes)
        values |= items_variables(name, work_items_of(row.build_information))
        commits = [c for build in row.build_information for c in build.get("Commits") or ()]
        values |= commits_variables(name, commits)
        for place, build in enumerate(row.build_information):
            values |= story_variables(f"{name}.BuildInformation[{place}]", build)
    builds = _each_once(releases)
    for number, build in enumerate(builds):
        name = f"{_DEPLOYMENT}.PackageBuildInformation[{number}]"
        values |= story_variables(name, build)
        values |= items_variables(name, build.get("WorkItems") or ())
        values |= commits_variables(name, build.get("Commits") or ())
    return values | items_variables(_DEPLOYMENT, work_items_of(builds))


def _each_once(releases: Sequence[Release]) -> list[dict[str, Any]]:
    """Return the builds of all releases; releases with the same version of a package share one."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in releases:
        for build in row.build_information:
            key = (str(build.get("PackageId")).lower(), str(build.get("Version")))
            found.setdefault(key, build)
    return list(found.values())
