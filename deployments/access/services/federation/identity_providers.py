"""The providers at which people may sign in: what all have in common, and OpenID Connect."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from deployments.access.grants import team_changed
from deployments.access.models import IdentityProvider
from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.access.providers.discovery import (
    IssuerSilent,
    forget,
    issuer_problem,
    metadata_of,
)
from deployments.access.services.browser_sessions import drop_sessions_of_provider
from deployments.access.services.federation.external_groups import end_memberships
from deployments.access.signing_in.throttle import one_spelling
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.secrets import secret_box

SCOPES: Final = "openid profile email"
GROUP_CLAIM: Final = "groups"
USERNAME_CLAIM: Final = "preferred_username"
GROUP_DAYS: Final = 30
MOST_GROUP_DAYS = 365
_MOST_PROVIDERS = 20
_LONGEST = {"name": 100, "client_id": 500, "scopes": 500, "group_claim": 200, "username_claim": 200}
_LONGEST_SECRET = 2000


@dataclass(frozen=True, slots=True)
class ProviderInput:
    """What people write of a provider; the client's secret is given apart from it."""

    name: str
    issuer: str
    client_id: str
    scopes: str = SCOPES
    group_claim: str = GROUP_CLAIM
    username_claim: str = USERNAME_CLAIM
    is_enabled: bool = True
    creates_users: bool = False
    links_by_email: bool = False
    group_days: int = GROUP_DAYS


def create_provider(*, actor: Actor, provider: ProviderInput, secret: str = "") -> IdentityProvider:
    """Let people sign in at a provider. Raises Invalid."""
    require_may_change(actor)
    wanted = _checked(provider, secret)
    with transaction.atomic():
        row = IdentityProvider(slug=free_slug(wanted["name"]), position=next_position(), **wanted)
        row.save()
        seal_secret(row, secret)
        record_change(actor, row, "Created", "added", {}, snapshot(row))
    return row


def update_provider(
    *, actor: Actor, row: IdentityProvider, provider: ProviderInput, secret: str | None = None
) -> IdentityProvider:
    """Change a provider; a secret of None stays as it is, an empty one is removed.

    Disabling it ends the sessions that its people began by providers. Raises Invalid; also when
    the issuer changes and the secret does not, because the stored one would be sent to the new
    issuer.
    """
    require_may_change(actor)
    wanted = _checked(provider, secret or "", besides=row)
    moves = wanted["issuer"] != row.issuer
    if moves and row.sealed_secret and secret is None:
        text = "The issuer is another one now, so the client secret has to be entered again."
        raise Invalid(fields={"ClientSecret": [text]})
    if moves and row.logins.exists():
        text = "People sign in by this issuer. Add another provider instead."
        raise Invalid(fields={"Issuer": [text]})
    with transaction.atomic():
        before, was_enabled = snapshot(row), row.is_enabled
        for name, value in wanted.items():
            setattr(row, name, value)
        row.save()
        if secret is not None:
            seal_secret(row, secret)
        if was_enabled and not row.is_enabled:
            drop_sessions_of_provider(row)
        after = {**snapshot(row), **({"ClientSecret": "changed"} if secret is not None else {})}
        record_change(actor, row, "Modified", "changed", before, after)
    return row


def delete_provider(*, actor: Actor, row: IdentityProvider) -> None:
    """Delete a provider with the logins, memberships and sessions that it gave. Users stay."""
    require_may_change(actor)
    with transaction.atomic():
        record_change(actor, row, "Deleted", "deleted", snapshot(row), {})
        end_memberships(row)
        drop_sessions_of_provider(row)
        row.delete()
        team_changed()


def try_provider(*, actor: Actor, row: IdentityProvider) -> str:
    """Return what the provider's discovery document says. Raises Invalid with what is wrong."""
    require_may_change(actor)
    forget(row.issuer)
    try:
        found = metadata_of(row.issuer)
    except IssuerSilent as error:
        raise Invalid(f"{row.name} cannot be used: {error}") from error
    needed = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
    if not all(needed):
        raise Invalid(f"{row.name} cannot be used: its document lacks an address.")
    return f"{row.name} answers; people are sent to {found.authorization_endpoint}."


def snapshot(row: IdentityProvider) -> dict[str, Any]:
    """Return what events compare of a provider."""
    return {
        "Name": row.name,
        "Issuer": row.issuer,
        "ClientId": row.client_id,
        "HasClientSecret": bool(row.sealed_secret),
        "Scopes": row.scopes,
        "RoleClaimType": row.group_claim,
        "UsernameClaimType": row.username_claim,
        "IsEnabled": row.is_enabled,
        "AllowAutoUserCreation": row.creates_users,
        "LinkByVerifiedEmail": row.links_by_email,
        "GroupsLastDays": row.group_days,
    }


def require_may_change(actor: Actor) -> None:
    """Raise NotPermitted for who may not change providers."""
    # A provider says who is in which group, and groups may fill the team of administrators.
    require_system(actor, Permission.ConfigureServer)
    require_system(actor, Permission.AdministerSystem)


def seal_secret(row: IdentityProvider, secret: str) -> None:
    """Keep the secret, or none."""
    # The place of the secret has the row's number, which there is only now.
    row.sealed_secret = secret_box().seal(secret, place=row.secret_place) if secret else None
    row.save(update_fields=["sealed_secret"])


def free_slug(name: str) -> str:
    """Return the part of addresses for a new provider. Raises Invalid when there are too many."""
    if IdentityProvider.objects.count() >= _MOST_PROVIDERS:
        raise Invalid(f"There are at most {_MOST_PROVIDERS} providers.")
    base = slugify(name) or "provider"
    taken = set(IdentityProvider.objects.values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, _MOST_PROVIDERS + 2))
    return next(slug for slug in (base, *numbered) if slug not in taken)


def _checked(
    sent: ProviderInput, secret: str, besides: IdentityProvider | None = None
) -> dict[str, Any]:
    wanted = asdict(sent)
    wanted |= {name: str(wanted[name]).strip() for name in (*_LONGEST, "issuer")}
    wanted["scopes"] = " ".join(wanted["scopes"].split())
    problems: dict[str, list[str]] = {}
    for name, longest in _LONGEST.items():
        if not 0 < len(wanted[name]) <= longest or not wanted[name].isprintable():
            label = _LABELS[name]
            problems[label] = [f"{label} is required and has at most {longest} characters."]
    if problem := issuer_problem(wanted["issuer"]):
        problems["Issuer"] = [problem]
    if "openid" not in wanted["scopes"].split():
        problems["Scopes"] = ["The scope openid is what makes it a sign-in."]
    if not 1 <= wanted["group_days"] <= MOST_GROUP_DAYS:
        problems["GroupsLastDays"] = [f"A number from 1 to {MOST_GROUP_DAYS}."]
    if len(secret) > _LONGEST_SECRET:
        problems["ClientSecret"] = [f"At most {_LONGEST_SECRET} characters."]
    if problem := name_problem(wanted["name"], besides):
        problems["Name"] = [problem]
    if problems:
        raise Invalid(fields=problems)
    return wanted


def name_problem(name: str, besides: IdentityProvider | None = None) -> str:
    """Return why a provider cannot have the name, or nothing."""
    if not 0 < len(name) <= _LONGEST["name"] or not name.isprintable():
        return f"Name is required and has at most {_LONGEST['name']} characters."
    spelling = one_spelling(name)
    rows = IdentityProvider.objects.all()
    if any(row != besides and one_spelling(row.name) == spelling for row in rows):
        return f"There is a provider with the name '{name}' already."
    return ""


def next_position() -> int:
    """Return the place behind all others on the sign-in page."""
    last = IdentityProvider.objects.aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1


def set_order(*, actor: Actor, ids: Sequence[int]) -> None:
    """Put the providers of the sign-in page into this order; others follow as they were.

    Raises Invalid for one that is not there.
    """
    require_may_change(actor)
    with transaction.atomic():
        rows = {row.pk: row for row in IdentityProvider.objects.all()}
        if any(pk not in rows for pk in ids):
            raise Invalid("One of the providers is not there any more. Load the page again.")
        wanted = list(dict.fromkeys([*ids, *rows]))
        before = [row.name for row in rows.values()]
        for position, pk in enumerate(wanted):
            IdentityProvider.objects.filter(pk=pk).update(position=position)
        after = [rows[pk].name for pk in wanted]
        if before != after:
            events.record(
                actor=actor,
                space=None,
                category="Modified",
                message="The order of identity providers was changed",
                subject="authentication",
                before={"Order": before},
                after={"Order": after},
            )


_LABELS: Final = {
    "name": "Name",
    "client_id": "ClientId",
    "scopes": "Scopes",
    "group_claim": "RoleClaimType",
    "username_claim": "UsernameClaimType",
}


def record_change(
    actor: Actor, row: IdentityProvider, category: str, verb: str, before: Any, after: Any
) -> None:
    """Record what became of a provider."""
    events.record(
        actor=actor,
        space=None,
        category=category,
        message=f"Identity provider {row.name} was {verb}",
        subject=row.public_id,
        before=before,
        after=after,
    )
