"""Signing in with the password of a directory, and looking its people up again by and by."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from django.db import transaction
from django.db.models import Q

from deployments.access.models import BrowserSession, ExternalLogin, IdentityProvider
from deployments.access.providers.people import ExternalPerson
from deployments.access.services.federation.external_groups import follow_groups
from deployments.access.services.federation.ldap_providers import opened_directory
from deployments.access.services.guards import administers
from deployments.access.services.users import update_user
from deployments.access.signing_in.throttle import MOST_FAILURES, WINDOW, Attempts, canonical
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, OctopusError

if TYPE_CHECKING:
    from deployments.access.ldap.people import Looked

log = structlog.get_logger(__name__)

_WRONG: Final = "Invalid username or password."
_MANY: Final = "Too many failed attempts to sign in. Try again in a few minutes."
# All of these within the one time limit for asking a directory.
_AT_ONCE: Final = 25
_NOT_AGAIN: Final = timedelta(minutes=45)
_ACTOR: Final = "people of a directory"


def person_of_directory(
    *, provider: IdentityProvider, username: str, password: str, clock: Clock = utc_now
) -> ExternalPerson:
    """Return whose name and password these are in the directory. Raises Invalid.

    Attempts are counted before the directory is asked, by the one spelling of the name.
    """
    directory, tree = opened_directory(provider)
    from deployments.access.ldap.directory import (  # noqa: PLC0415 needs an extra
        DirectoryUnavailable,
        WrongPassword,
    )
    from deployments.access.ldap.people import person_with_password  # noqa: PLC0415 an optional extra

    key = f"ldap:{provider.pk}:{canonical(username)}"
    attempts = Attempts(key, most=MOST_FAILURES, window=WINDOW, message=_MANY, clock=clock)
    attempts.begin()
    try:
        person = person_with_password(directory, tree, username.strip(), password)
    except WrongPassword as error:
        raise Invalid(_WRONG) from error
    except DirectoryUnavailable as error:
        log.warning("a directory cannot be asked", provider=provider.slug, problem=str(error))
        text = f"{provider.name} cannot be asked now. Try again later, or tell an administrator."
        raise Invalid(text) from error
    attempts.succeeded()
    return person


def check_directories(*, clock: Clock = utc_now) -> None:
    """Look the people of every directory up: their groups are followed, who is gone is let go.

    Nothing changes while a directory cannot be asked, or shows nobody at all: then rather its
    settings are wrong, or what the asking account may read.
    """
    rows = IdentityProvider.objects.filter(kind=IdentityProvider.Kind.LDAP, is_enabled=True)
    for provider in rows.select_related("directory"):
        try:
            problem = _check(provider, clock)
        except (OSError, OctopusError) as error:
            problem = str(error)[:500] or type(error).__name__
        stored = provider.directory
        stored.problem = problem
        if not problem:
            stored.checked = clock()
        stored.save(update_fields=["checked", "problem"])


def _check(provider: IdentityProvider, clock: Clock) -> str:
    """Look everybody up who was not for a while; return why that was not done, or nothing."""
    directory, tree = opened_directory(provider)
    from deployments.access.ldap.directory import asking  # noqa: PLC0415 needs an extra
    from deployments.access.ldap.people import look_again, shows_anybody  # noqa: PLC0415 an optional extra

    is_due = Q(checked=None) | Q(checked__lt=clock() - _NOT_AGAIN)
    rows = provider.logins.select_related("user", "provider__directory").filter(is_due)
    while logins := list(rows.filter(user__is_active=True).order_by("pk")[:_AT_ONCE]):
        with asking(directory) as session:
            if not shows_anybody(session, tree):
                return "It shows nobody at all, so nothing was changed. Is the base right?"
            found = [(login, look_again(session, tree, login.subject)) for login in logins]
        for login, looked in found:
            _follow(login, looked, clock)
    return ""


def _follow(login: ExternalLogin, looked: "Looked | None", clock: Clock) -> None:
    is_gone = looked is None or looked.is_disabled
    with transaction.atomic():
        groups = looked.person.groups if looked is not None and not is_gone else ()
        if list(groups) != login.groups:
            follow_groups(login=login, groups=groups)
        login.checked = clock()
        login.save(update_fields=["checked"])
        if is_gone:
            BrowserSession.objects.filter(user=login.user, method="provider").delete()
        if is_gone and login.provider.directory.deactivates and _depends_on(login):
            user = login.user
            update_user(
                actor=Actor.system(f"{_ACTOR}: {login.provider.name}"),
                user=user,
                display_name=user.display_name,
                email=user.email,
                is_active=False,
            )


def _depends_on(login: ExternalLogin) -> bool:
    """Tell whether the person is here by the directory alone: nobody else vouches for them.

    Administrators are never shut out this way, and who has a password of this server keeps it.
    """
    user = login.user
    others = user.external_logins.filter(~Q(pk=login.pk), provider__is_enabled=True)
    if user.has_usable_password() or others.exists():
        return False
    return not any(administers(team) for team in user.teams.all())
