"""Accounts: creating, changing and deleting; their secrets are sealed and never told again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.base.secrets import secret_box
from deployments.library.account_types import (
    ACCOUNT_TYPES,
    AUDIENCE,
    DEFAULT_AUDIENCE,
    DEFAULT_SUBJECT_KEYS,
    SUBJECT_KEYS,
    AccountField,
    AccountType,
    Form,
)
from deployments.library.models import Account
from deployments.library.private_keys import require_private_key
from deployments.library.services.restrictions import (
    Restrictions,
    fill_restrictions,
    found_restrictions,
    restrictions_snapshot,
    store_restrictions,
)
from deployments.library.uses import require_no_uses
from deployments.library.values import account_secrets, fingerprint

_KEY_FIELD: Final = "PrivateKeyFile"
_PASSPHRASE: Final = "PrivateKeyPassphrase"  # noqa: S105 the name of a field


@dataclass(frozen=True, slots=True)
class AccountInput:
    """An account as it shall be.

    `values` maps the fields of its type to texts, to lists where they are lists. A secret that is
    absent or None stays as it is; an empty one is removed.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    description: str = ""
    slug: str = ""
    restrictions: Restrictions = field(default_factory=Restrictions)


def create_account(
    *, actor: Actor, space: Space, account_type: str, account: AccountInput
) -> Account:
    """Create an account of a type, which stays."""
    numbers = account.restrictions.environments
    require(actor, space, Permission.AccountCreate, environment=numbers)
    if account_type not in ACCOUNT_TYPES:
        text = f"AccountType must be one of {', '.join(ACCOUNT_TYPES)}."
        raise Invalid(fields={"AccountType": [text]})
    row = Account(space=space, account_type=account_type)
    with transaction.atomic():
        after = _write(row, account)
        _record(actor, row, "Created", "created", after=after)
    return row


def update_account(*, actor: Actor, row: Account, account: AccountInput) -> Account:
    """Give the account these values; needs AccountEdit where it is and where it shall be."""
    require_on(actor, row, Permission.AccountEdit)
    numbers = account.restrictions.environments
    require(actor, row.space, Permission.AccountEdit, environment=numbers)
    before = _snapshot(row, account_secrets(row))
    with transaction.atomic():
        after = _write(row, account)
        _record(actor, row, "Modified", "changed", before=before, after=after)
    return row


def delete_account(*, actor: Actor, row: Account) -> None:
    """Delete an account that nothing names."""
    require_on(actor, row, Permission.AccountDelete)
    require_no_uses(actor, row.space, row.public_id, f"The account '{row.name}'")
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row, account_secrets(row)))
        row.delete()


def _write(row: Account, account: AccountInput) -> dict[str, Any]:
    """Store the account as it shall be; return what events compare of it."""
    row.name = required_name(account.name)
    row.description = account.description
    require_free_name(row, "An account")
    row.slug = free_slug(row, account.slug or row.slug)
    secrets = account_secrets(row) if row.pk else {}
    problems: dict[str, list[str]] = {}
    for each in row.type.fields:
        text = _fill(row, secrets, each, account.values.get(each.name))
        if text:
            problems[each.name] = [text]
    if problems:
        raise Invalid(fields=problems)
    _check_key(row.type, secrets)
    found = found_restrictions(row, account.restrictions)
    fill_restrictions(row, found)
    row.save()
    row.sealed_secrets = (
        secret_box().seal(json.dumps(secrets), place=row.secret_place) if secrets else None
    )
    row.save(update_fields=["sealed_secrets"])
    store_restrictions(row, found)
    return _snapshot(row, secrets)


def _fill(row: Account, secrets: dict[str, str], each: AccountField, value: Any) -> str:
    """Give the account one value; return what is wrong with it."""
    if each.form is Form.KEYS:
        return _fill_keys(row, each, value)
    text = None if value is None else str(value)
    if text is not None and len(text) > each.longest:
        return f"{each.label} may have at most {each.longest} characters."
    if text is not None and each.form is Form.LINE and "\n" in text.strip():
        return f"{each.label} is one line."
    if each.is_secret:
        _keep(secrets, each.name, text)
        is_there = each.name in secrets
    else:
        usual = DEFAULT_AUDIENCE if each.name == AUDIENCE else ""
        row.details[each.name] = (text or "").strip() or usual
        is_there = bool(row.details[each.name])
    return "" if is_there or not each.is_required else f"{each.label} is required."


def _keep(secrets: dict[str, str], name: str, text: str | None) -> None:
    """Set a secret, remove it when it is empty, leave it when there is None."""
    if text:
        secrets[name] = text
    elif text is not None:
        secrets.pop(name, None)


def _fill_keys(row: Account, each: AccountField, value: Any) -> str:
    keys = [str(key) for key in value] if isinstance(value, Sequence) else []
    unknown = [key for key in keys if key not in SUBJECT_KEYS]
    if unknown:
        return f"{each.name}: '{unknown[0]}' is not one of {', '.join(SUBJECT_KEYS)}."
    row.details[each.name] = [key for key in SUBJECT_KEYS if key in (keys or DEFAULT_SUBJECT_KEYS)]
    return ""


def _check_key(kind: AccountType, secrets: Mapping[str, str]) -> None:
    if kind.field(_KEY_FIELD) is not None:
        require_private_key(secrets[_KEY_FIELD], secrets.get(_PASSPHRASE, ""))


def _snapshot(row: Account, secrets: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Name": row.name,
        "Slug": row.slug,
        "Description": row.description,
        "AccountType": row.account_type,
        **row.details,
        **{name: fingerprint(text) for name, text in secrets.items()},
        **restrictions_snapshot(row),
    }


def _record(
    actor: Actor,
    row: Account,
    category: str,
    verb: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    named = (after or before or {}).get("EnvironmentIds", [])
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Account {row.name} was {verb}",
        subject=row.public_id,
        related=named,
        before=before,
        after=after,
    )
