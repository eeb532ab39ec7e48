"""Who a person of a provider is here: known, linked, created or refused."""

from dataclasses import dataclass

from django.db import transaction

from deployments.access.models import ExternalLogin, IdentityProvider, User
from deployments.access.providers.people import ExternalPerson
from deployments.access.services.browser_sessions import drop_sessions
from deployments.access.services.federation.external_groups import follow_groups
from deployments.access.services.guards import administers
from deployments.access.services.second_factors import require_other_way_in
from deployments.access.services.users import create_user
from deployments.access.signing_in.throttle import canonical
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid

_INACTIVE = "Your account here is deactivated. An administrator of the server can change that."


@dataclass(frozen=True, slots=True)
class Arrival:
    """A person whom a provider vouches for; `linking` is who is signed in here already."""

    provider: IdentityProvider
    person: ExternalPerson
    linking: User | None = None


def user_of_arrival(*, visitor: Actor, arrival: Arrival, clock: Clock = utc_now) -> User:
    """Return the user to sign in, whose memberships follow the provider's groups now.

    The same account at the provider is always the same user. A new one is linked to whoever is
    signed in, or to the only person with that verified address if the provider may do so, or
    becomes a new user if it may create some. Names that look alike link nothing. Raises Invalid.
    """
    provider, person = arrival.provider, arrival.person
    with transaction.atomic():
        login = _known(arrival) or _linked(visitor, arrival, clock) or _created(arrival, clock)
        if login is None:
            text = (
                f"Nobody here belongs to {person.shown_as} of {provider.name}. Sign in with your"
                " password and link it in your account, or ask an administrator for one."
            )
            raise Invalid(text)
        if not login.user.is_active or login.user.is_service:
            raise Invalid(_INACTIVE)
        login.last_used, login.shown_as = clock(), person.shown_as
        login.save(update_fields=["last_used", "shown_as"])
        follow_groups(login=login, groups=person.groups)
    return login.user


def record_refusal(*, visitor: Actor, provider: IdentityProvider, reason: str) -> None:
    """Record that somebody came from a provider and was not let in."""
    events.record(
        actor=visitor,
        space=None,
        category="LoginFailed",
        message=f"Signing in with {provider.name} failed: {reason}",
        subject=provider.public_id,
    )


def unlink_login(*, actor: Actor, login: ExternalLogin) -> None:
    """Take an account at a provider from a user, with the memberships it gave. Raises Invalid.

    The caller has made sure that it is the actor's own, or that the actor may edit the user, whose
    sessions then end: it may have begun them.
    """
    user = login.user
    is_own = actor.user_id == user.pk
    if is_own:
        require_other_way_in(user, login)
    with transaction.atomic():
        if not user.external_logins.filter(provider=login.provider).exclude(pk=login.pk).exists():
            follow_groups(login=login, groups=[])
        _record(actor, login, f"{login.shown_as} of {login.provider.name} was unlinked from")
        login.delete()
        if not is_own:
            drop_sessions(user)


def _known(arrival: Arrival) -> ExternalLogin | None:
    rows = ExternalLogin.objects.select_related("user", "provider")
    login = rows.filter(provider=arrival.provider, subject=arrival.person.subject).first()
    if login and arrival.linking and login.user_id != arrival.linking.pk:
        raise Invalid(f"{arrival.person.shown_as} belongs to another user here.")
    return login


def _linked(visitor: Actor, arrival: Arrival, clock: Clock) -> ExternalLogin | None:
    user = arrival.linking or _by_email(arrival)
    if user is None:
        return None
    if user.external_logins.filter(provider=arrival.provider).exists():
        raise Invalid(f"{user.username} is linked to another account of {arrival.provider.name}.")
    login = _insert(arrival, user, clock)
    how = "" if arrival.linking else " by its verified address"
    text = f"{login.shown_as} of {login.provider.name} was linked{how} to"
    _record(visitor, login, text)
    return login


def _by_email(arrival: Arrival) -> User | None:
    """Return the one person with the verified address, if the provider may link by it.

    Never an administrator: people change their address themselves, so that of somebody powerful
    proves too little.
    """
    if not arrival.provider.links_by_email or not arrival.person.email:
        return None
    rows = User.objects.filter(email=arrival.person.email, is_service=False)
    if rows.count() != 1:
        return None
    user = rows.get()
    if any(administers(team) for team in user.teams.all()):
        text = "Administrators link their account themselves: sign in with your password first."
        raise Invalid(text)
    return user


def _created(arrival: Arrival, clock: Clock) -> ExternalLogin | None:
    provider, person = arrival.provider, arrival.person
    if not provider.creates_users:
        return None
    if not person.username:
        raise Invalid(f"{provider.name} tells no user name, so no account was made.")
    taken = User.objects.filter(username__iexact=canonical(person.username)).exists()
    if taken:
        text = (
            f"There is a user {person.username} here already. If that is you, sign in with your"
            " password and link it in your account; else ask an administrator."
        )
        raise Invalid(text)
    user = create_user(
        actor=Actor.system(f"first sign-in with {provider.name}"),
        username=person.username,
        display_name=person.display_name or person.username,
        email=person.email,
    )
    return _insert(arrival, user, clock)


def _insert(arrival: Arrival, user: User, clock: Clock) -> ExternalLogin:
    now = clock()
    return ExternalLogin.objects.create(
        user=user,
        provider=arrival.provider,
        subject=arrival.person.subject,
        shown_as=arrival.person.shown_as,
        created=now,
        last_used=now,
    )


def _record(actor: Actor, login: ExternalLogin, text: str) -> None:
    events.record(
        actor=actor,
        space=None,
        category="Modified",
        message=f"{text} {login.user.username}",
        subject=login.user.public_id,
        related=[login.provider.public_id],
    )
