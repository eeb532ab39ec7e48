"""Variables that name an account or certificate: what they name, and what its parts are.

A variable `Db` whose value is the id of an account gives `Db.Username` and more while something is
deployed (projects.md 5.5). Accounts and certificates are read then, not frozen with a release.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from deployments.base import public_ids
from deployments.base.models import Space
from deployments.library.account_types import AUDIENCE, BY_VARIABLE_TYPE, SUBJECT
from deployments.library.certificates.parts import CERTIFICATE_PARTS, certificate_parts
from deployments.library.models import RESTRICTED, Account, Certificate, Restricted
from deployments.library.part import Part
from deployments.library.private_keys import key_text
from deployments.library.values import account_secrets

CERTIFICATE: Final = "Certificate"
REFERENCE_TYPES: Final = frozenset({CERTIFICATE, *BY_VARIABLE_TYPE})
"""The types of variables whose value is the id of an account or certificate."""
WORKER_POOL: Final = "WorkerPool"
# Clients know them, but nothing of the kind can be made here.
MISSING_ACCOUNTS: Final = frozenset({"AzureAccount", "GoogleCloudAccount"})
CHOSEN_TYPES: Final = frozenset({*REFERENCE_TYPES, *MISSING_ACCOUNTS, WORKER_POOL})
"""The types of variables whose value is the id of something of the space."""


TOKEN_PART: Final = "OpenIdConnect.Jwt"  # noqa: S105 the name of a part


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token of an OpenID Connect account says; it is made when a step begins."""

    audience: str
    subject_keys: tuple[str, ...]
    account_slug: str


def variable_type_of(row: Restricted) -> str:
    """Return the type of variables that name the row."""
    if isinstance(row, Account):
        return row.type.variable_type
    return CERTIFICATE


def referenced(space: Space, ids: Iterable[str]) -> dict[str, Restricted]:
    """Return the accounts and certificates with these public ids; a query for each kind."""
    wanted = set(ids)
    found: dict[str, Restricted] = {}
    for model in RESTRICTED:
        numbers = [n for text in wanted if (n := public_ids.parse(model.id_prefix, text))]
        if numbers:
            rows = model.objects.in_space(space).filter(pk__in=numbers)
            found |= {row.public_id: row for row in rows}
    return found


def is_archived(row: Restricted) -> bool:
    """Tell whether new variables may not name the row."""
    return isinstance(row, Certificate) and row.archived is not None


def parts_of(row: Restricted) -> tuple[Part, ...]:
    """Return what a variable that names the row gives besides its id."""
    if isinstance(row, Account):
        return tuple(_parts_of_account(row))
    if isinstance(row, Certificate):
        return certificate_parts(row)
    raise TypeError(f"{row.public_id} has no parts.")


def with_parts(name: str, kind: str) -> list[str]:
    """Return a variable's name with those of the parts that one of its type has."""
    if kind == CERTIFICATE:
        return [name, *(f"{name}.{part}" for part in CERTIFICATE_PARTS)]
    found = BY_VARIABLE_TYPE.get(kind)
    if found is None:
        return [name]
    parts = [each.name for each in found.fields if each.name != SUBJECT]
    parts += ["Name", "AccountType", *([TOKEN_PART] if found.field(SUBJECT) else [])]
    return [name, *(f"{name}.{part}" for part in parts)]


def claims_of(row: Restricted) -> TokenClaims | None:
    """Return what tokens of the account say; None when it has none."""
    if not isinstance(row, Account) or row.type.field(SUBJECT) is None:
        return None
    return TokenClaims(row.details[AUDIENCE], tuple(row.details[SUBJECT]), row.slug)


def _parts_of_account(row: Account) -> Iterator[Part]:
    yield Part("Name", row.name)
    yield Part("AccountType", row.account_type)
    secrets = account_secrets(row)
    for each in row.type.fields:
        if each.name == SUBJECT:
            continue
        if not each.is_secret:
            yield Part(each.name, str(row.details.get(each.name, "")))
        elif each.name == "PrivateKeyFile":
            yield Part(each.name, key_text(secrets[each.name]), is_sensitive=True)
        else:
            yield Part(each.name, secrets.get(each.name, ""), is_sensitive=True)
