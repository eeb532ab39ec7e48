"""Which chosen packages a release cannot be deployed with any more."""

from collections.abc import Sequence

from deployments.base.models import Space
from deployments.projects.process.shape import PROJECT_FEED_ID
from deployments.releases.models import Release, ReleaseSelectedPackage
from deployments.releases.services.child_releases import projects_named
from packages_feed.queries import find_feed, find_versions


def missing_of(release: Release) -> list[ReleaseSelectedPackage]:
    """Return what is gone from the built-in feed, and the deleted releases of other projects.

    What other feeds have is not known here, nor what an expression will name.
    """
    chosen = [row for row in release.selected_packages.all() if "#{" not in row.package_id]
    children = [row for row in chosen if row.feed_id.lower() == PROJECT_FEED_ID]
    packages = _of_built_in_feed(release.space, [row for row in chosen if row not in children])
    wanted = [(row.package_id, row.version) for row in packages]
    found = find_versions(release.space, wanted) if wanted else {}
    gone = [row for row in packages if (row.package_id, row.version) not in found]
    return [*gone, *_without_release(release.space, children)]


def _of_built_in_feed(
    space: Space, rows: Sequence[ReleaseSelectedPackage]
) -> list[ReleaseSelectedPackage]:
    feeds = {feed_id: find_feed(space, feed_id) for feed_id in {row.feed_id for row in rows}}
    return [row for row in rows if (feed := feeds[row.feed_id]) is not None and feed.is_built_in]


def _without_release(
    space: Space, rows: Sequence[ReleaseSelectedPackage]
) -> list[ReleaseSelectedPackage]:
    if not rows:
        return []
    projects = projects_named(space, [(row.feed_id, row.package_id) for row in rows])
    wanted = {
        row.pk: (project.pk, row.version.strip().lower())
        for row in rows
        if (project := projects.get(row.package_id)) is not None
    }
    found = Release.objects.in_space(space).filter(
        project__in={project for project, _ in wanted.values()},
        version_lower__in={version for _, version in wanted.values()},
    )
    there = set(found.order_by().values_list("project_id", "version_lower"))
    return [row for row in rows if wanted.get(row.pk) not in there]
