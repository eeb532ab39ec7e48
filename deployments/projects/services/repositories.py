"""The repository of a trigger that watches one: kept with the trigger, forgotten with it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.secrets import secret_box
from deployments.base.wake import wake
from deployments.projects.git.remote import Repository
from deployments.projects.models import ProjectTrigger, WatchedRepository
from deployments.projects.triggers.git_filter import GIT

_LONGEST_PASSWORD: Final = 4000
_LOOK: Final = "releases.watch_repositories"


def keep_repository(
    row: ProjectTrigger, before: Mapping[str, Any] | None, password: str | None, now: datetime
) -> None:
    """Keep the repository of a trigger that was saved, `before` with this filter. Raises Invalid.

    A password of None keeps the stored one, an empty one removes it. Another address or user name
    needs it anew: whoever may edit a trigger may not learn the password by sending it elsewhere.
    After a change or a pause the next look only remembers what is there.
    """
    if row.filter_type != GIT:
        WatchedRepository.objects.filter(trigger=row).delete()
        return
    watched, _ = WatchedRepository.objects.get_or_create(trigger=row, defaults={"due": now})
    if watched.sealed_password and password is None and not is_same_place(row.filter, before):
        text = "Enter the password again, because the address or the user name is another one."
        raise Invalid(fields={"Password": [text]})
    watched.problem, watched.due = "", now
    changed = ["problem", "due"]
    if password is not None:
        watched.sealed_password = _sealed(watched, password)
        changed.append("sealed_password")
    if row.filter != before or row.is_disabled:
        watched.seen, watched.looked = None, None
        changed += ["seen", "looked"]
    # Not the whole row: a look that ended since it was read has told what it saw.
    watched.save(update_fields=changed)
    row.repository = watched
    wake(_LOOK)


def look_soon(*, actor: Actor, row: ProjectTrigger, clock: Clock = utc_now) -> None:
    """Let the repository be looked at now instead of in its turn. Raises NotPermitted."""
    require_on(actor, row, Permission.TriggerEdit)
    with transaction.atomic():
        WatchedRepository.objects.filter(trigger=row).update(due=clock())
        wake(_LOOK)


def is_same_place(filter_: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Tell whether two filters sign in at the same place as the same user."""
    fields = ("RepositoryUri", "Username")
    return before is not None and all(filter_.get(each) == before.get(each) for each in fields)


def repository_of(trigger: ProjectTrigger) -> Repository:
    """Return where the trigger's repository is, with its password."""
    watched = WatchedRepository.objects.filter(trigger=trigger).first()
    password = ""
    if watched is not None and watched.sealed_password:
        sealed = bytes(watched.sealed_password)
        password = secret_box().open(sealed, place=watched.secret_place).reveal()
    return Repository(trigger.filter["RepositoryUri"], trigger.filter["Username"], password)


def has_password(trigger: ProjectTrigger) -> bool:
    """Tell whether a password is kept for the trigger's repository."""
    rows = WatchedRepository.objects.filter(trigger=trigger).exclude(sealed_password=None)
    return rows.exists()


def _sealed(watched: WatchedRepository, password: str) -> bytes | None:
    if len(password) > _LONGEST_PASSWORD:
        text = f"Password has at most {_LONGEST_PASSWORD} characters."
        raise Invalid(fields={"Password": [text]})
    return secret_box().seal(password, place=watched.secret_place) if password else None
