"""External feed triggers: feeds are looked at again and again; a new version creates a release."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import structlog
from django.db import transaction

from agent.versions import read_version
from deployments.access.actors import actor_behind
from deployments.base.clock import Clock, utc_now
from deployments.base.redis import only_one
from deployments.projects.models import Channel, Outcome, ProjectTrigger, WatchedPackage
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.triggers.filters import FEEDS
from deployments.releases.services.automation.arrivals import (
    Arrival,
    channel_of,
    decide,
    needed_by,
    newest_version,
    watched_packages,
)
from deployments.releases.services.packages import (
    NeededPackage,
    PackageWishes,
    refresh_feeds,
    wished_version,
)
from packages_feed.models import Feed
from packages_feed.queries.catalogue import catalogue
from packages_feed.services.asking import refresh

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(minutes=4)
_ROUND_S: Final = 600
# The lowest of all versions: every one that comes is newer than that.
_NOTHING: Final = "0.0.0-0"


def watch_feeds(*, clock: Clock = utc_now) -> None:
    """Look for new versions of the external packages that triggers watch.

    Nothing while another worker does so: slow feeds must not keep all workers from other work.
    """
    with only_one("feeds", longest_s=_ROUND_S) as is_mine:
        if is_mine:
            _watch(clock)


def _watch(clock: Clock) -> None:
    for trigger, channel, watched in _watching():
        external = [need for need in watched if need.feed and not need.feed.is_built_in]
        try:
            refresh(
                [(need.feed, need.package_id) for need in external if need.feed],
                max_age=EVERY,
                clock=clock,
            )
            for need in external:
                with transaction.atomic():
                    _look(trigger, channel, watched, need, clock)
        except Exception:  # one trigger's failure keeps no other from being looked at
            log.exception("a feed trigger cannot be looked at", trigger=trigger.pk)


def _watching() -> Iterator[tuple[ProjectTrigger, Channel, list[NeededPackage]]]:
    reason = "automation spans the spaces"
    spaces = Feed.objects.unscoped(reason=reason).exclude(feed_type="BuiltIn").values("space")
    rows = ProjectTrigger.objects.unscoped(reason=reason).filter(
        space__in=spaces,
        space__deletion="",
        filter_type__in=FEEDS,
        is_disabled=False,
        project__is_disabled=False,
    )
    for trigger in rows.select_related("project", "space"):
        channel = channel_of(trigger)
        if channel is not None:
            yield trigger, channel, watched_packages(trigger, channel)


def _look(
    trigger: ProjectTrigger,
    channel: Channel,
    watched: list[NeededPackage],
    need: NeededPackage,
    clock: Clock,
) -> None:
    """Decide about the newest version, if it is another one than the trigger has seen.

    What is there when a trigger looks first is not new.
    """
    feed = need.feed
    if feed is None:
        return
    known = catalogue(feed, need.package_id)
    problem, newest = known.problem, newest_version(need, channel)
    # As long as the feed has never answered, nobody knows what is new.
    seen = newest or (_NOTHING if known.told else "")
    row, is_first = WatchedPackage.objects.get_or_create(
        trigger=trigger,
        feed_number=feed.pk,
        id_lower=need.package_id.lower(),
        defaults={"version": seen},
    )
    same = WatchedPackage.objects.filter(pk=row.pk, version=row.version, problem=row.problem)
    if problem != row.problem and same.update(problem=problem) and problem:
        cause = f"{need.package_id} was looked for in the feed {feed.name}"
        decision = Decision(Outcome.WAITING, cause[:300], problem)
        log_decision(trigger.project, decision, trigger=trigger, clock=clock)
        return
    if not row.version:
        WatchedPackage.objects.filter(pk=row.pk, version="").update(version=seen)
        return
    if is_first or not newest or not _is_newer(newest, row.version, feed):
        return
    if not WatchedPackage.objects.filter(pk=row.pk, version=row.version).update(version=newest):
        return  # another worker has seen it
    arrival = Arrival(
        trigger,
        channel,
        feed,
        need.package_id,
        newest,
        watched,
        f"{need.package_id} {newest} came in the feed {feed.name}"[:300],
    )
    actor = actor_behind(trigger.saved_by, trigger.saved_by_name, reason=f"trigger {trigger.name}")
    log_decision(trigger.project, decide(arrival, actor, clock), trigger=trigger, clock=clock)


def _is_newer(version: str, than: str, feed: Feed) -> bool:
    scheme = feed.version_scheme
    return read_version(version, scheme) > read_version(than, scheme)


def ask_feeds(trigger: ProjectTrigger, channel: Channel, *, clock: Clock = utc_now) -> None:
    """Read the lists that a release of the trigger chooses from; not to be called in transactions.

    What follows in one may then create the release without asking anybody.
    """
    needed = needed_by(trigger.project, channel)
    refresh_feeds(
        [need for need in needed if not wished_version(need, PackageWishes())], clock=clock
    )
