"""Triggers that watch Git repositories: new commits and tags let the project act."""

import time
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from deployments.base.clock import Clock, utc_now
from deployments.base.redis import only_one
from deployments.projects.git.remote import references_of
from deployments.projects.models import Outcome, ProjectTrigger, WatchedRepository
from deployments.projects.services.decisions import LONGEST_CAUSE, Decision, log_decision
from deployments.projects.services.repositories import repository_of
from deployments.projects.triggers.git_filter import fitting, news, news_as_notes, news_in_words
from deployments.releases.services.automation.by_trigger import Occasion
from deployments.releases.services.automation.calls import call
from packages_feed.sources import SourceFailed

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(minutes=5)
# Triggers that were saved together do not look at the same moment for ever.
_SPREAD_S: Final = 60
# So many are looked at, and no more is begun after so long, before the worker does other work.
AT_ONCE: Final = 20
_LONGEST_S: Final = 60.0
_MOST_WATCHED: Final = 2000
# The last look of a round may take another minute.
_ROUND_S: Final = 180
_EVERY_SPACE = "automation spans the spaces"


def watch_repositories(*, most: int = AT_ONCE, clock: Clock = utc_now) -> int:
    """Look at the repositories whose time has come; return how many were looked at.

    None while another worker does so: slow ones must not keep all workers from other work.
    """
    with only_one("repositories", longest_s=_ROUND_S) as is_mine:
        return _watch(most, clock) if is_mine else 0


def _watch(most: int, clock: Clock) -> int:
    triggers = ProjectTrigger.objects.unscoped(reason=_EVERY_SPACE).filter(
        is_disabled=False, project__is_disabled=False, space__deletion=""
    )
    rows = WatchedRepository.objects.filter(due__lte=clock(), trigger__in=triggers.values("pk"))
    numbers = list(rows.order_by("due").values_list("pk", "trigger_id", "due")[:most])
    looked, end = 0, time.monotonic() + _LONGEST_S
    for number, trigger_id, due in numbers:
        if time.monotonic() > end:
            break  # what is left stays due
        next_look = clock() + EVERY + timedelta(seconds=number * 7 % _SPREAD_S)
        mine = WatchedRepository.objects.filter(pk=number, due=due)
        if not mine.update(due=next_look):
            continue  # another worker looks, or the trigger was saved
        looked += 1
        try:
            trigger = triggers.select_related("project", "space").get(pk=trigger_id)
            _look(trigger, number, next_look, clock)
        except Exception:  # one trigger's failure keeps no other from being looked at
            log.exception("a repository cannot be looked at", trigger=trigger_id)
    return looked


def _look(trigger: ProjectTrigger, number: int, claim: datetime, clock: Clock) -> None:
    """Ask, and in one transaction remember what is there and call the trigger if it is news.

    What is there at the first look is not new. Whoever saves the trigger meanwhile ends this look.
    """
    found, problem = _found(trigger)
    rows = WatchedRepository.objects.filter(pk=number, due=claim)
    with transaction.atomic():
        # Claims the row: nobody saves the trigger's repository until the end of this transaction.
        if not rows.update(looked=clock()):
            return
        row = rows.get()
        if problem:
            if problem != row.problem:
                rows.update(problem=problem)
                cause = f"{trigger.filter['RepositoryUri']} was looked at"[:LONGEST_CAUSE]
                decision = Decision(Outcome.WAITING, cause, problem)
                log_decision(trigger.project, decision, trigger=trigger, clock=clock)
            return
        rows.update(problem="", seen=found)
        if row.seen is None:
            return
        names = news(row.seen, found)
        if names:
            notes = news_as_notes(trigger.filter, names, row.seen, found)
            cause = news_in_words(trigger.filter, names, found)
            call(trigger, Occasion(cause, notes=notes), clock)


def _found(trigger: ProjectTrigger) -> tuple[dict[str, str], str]:
    """Return the references that the trigger watches, or what is wrong."""
    try:
        found = fitting(trigger.filter, references_of(repository_of(trigger)))
    except SourceFailed as error:
        return {}, error.message
    if len(found) > _MOST_WATCHED:
        return {}, (
            f"{len(found)} branches and tags fit, more than {_MOST_WATCHED}: narrow the patterns."
        )
    return found, ""
