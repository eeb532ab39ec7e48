"""Signing in at the real provider, and teams that follow its groups."""

from typing import Any
from urllib.parse import urlsplit

from deployments.access import services
from deployments.access.models import (
    IdentityProvider,
    Team,
)
from deployments.access.services.federation.external_groups import (
    GroupInput,
    set_external_groups,
)
from deployments.access.services.federation.identity_providers import (
    ProviderInput,
    update_provider,
)
from tests.factories import SYSTEM, default_space
from tests.support.identity_provider import RealProvider
from tests.support.portal import Visitor

EVE = {"name": "Eve Stone", "preferred_username": "eve", "groups": ["staff", "ops"]}
BEGIN = "/app/sign-in/with/corporate"
LINK = "/app/account/logins/corporate/link"
SECURITY = "/app/account/security"


def go(real: RealProvider, account: str, visitor: Visitor | None = None, at: str = BEGIN) -> Any:
    """Sign in by the provider; return the visitor and the last answer of the server."""
    visitor = visitor or Visitor()
    begun = visitor.client.get(at)
    back = real.sign_in(begun["Location"], account)
    return visitor, visitor.client.get(urlsplit(back)._replace(scheme="", netloc="").geturl())


def change(row: IdentityProvider, **fields: Any) -> None:
    wanted = {"creates_users": True, **fields}
    provider = ProviderInput(row.name, row.issuer, row.client_id, **wanted)
    update_provider(actor=SYSTEM, row=row, provider=provider)


def team(name: str, provider: IdentityProvider, *groups: str) -> Team:
    made = services.create_team(actor=SYSTEM, space=default_space(), name=name)
    follows(made, provider, *groups)
    return made


def follows(row: Team, provider: IdentityProvider, *groups: str) -> None:
    wanted = [GroupInput(provider, group) for group in groups]
    set_external_groups(actor=SYSTEM, team=row, groups=wanted)


def members(row: Team) -> list[str]:
    return sorted(row.users.values_list("username", flat=True))
