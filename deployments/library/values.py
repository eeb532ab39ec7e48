"""Values of variables and accounts: sealing, opening and fingerprints of the sensitive ones."""

import base64
import hmac
import json
from typing import TypedDict

from deployments.base.secrets import Secret, open_text, secret_box
from deployments.library.models import Account, Variable
from deployments.library.scoping import Candidate, parse_scope

_FINGERPRINT_CHARACTERS = 12


class VariableDocument(TypedDict):
    """A variable inside a snapshot; `sealed` is base64."""

    id: str
    name: str
    value: str | None
    sealed: str | None
    kind: str
    description: str
    is_sensitive: bool
    scope: dict[str, list[str]]
    prompt: dict[str, object] | None


def document_of(variable: Variable) -> VariableDocument:
    """Return the variable as a snapshot keeps it."""
    sealed = variable.sealed_value
    return VariableDocument(
        id=variable.guid,
        name=variable.name,
        value=None if variable.is_sensitive else variable.value,
        sealed=base64.b64encode(bytes(sealed)).decode() if sealed else None,
        kind=variable.kind,
        description=variable.description,
        is_sensitive=variable.is_sensitive,
        scope=variable.scope,
        prompt=variable.prompt,
    )


def candidate_of(
    document: VariableDocument, *, position: int, place: str, source: int = 0
) -> Candidate:
    """Return the variable as the resolver takes it."""
    return Candidate(
        id=document["id"],
        name=document["name"],
        value=document["value"],
        scope=parse_scope(document["scope"]),
        position=position,
        source=source,
        kind=document["kind"],
        is_sensitive=document["is_sensitive"],
        sealed=document["sealed"],
        place=place,
    )


def document_of_candidate(candidate: Candidate) -> VariableDocument:
    """Return what no variable set holds, such as a tenant's value, in the form of a variable."""
    return VariableDocument(
        id=candidate.id,
        name=candidate.name,
        value=None if candidate.is_sensitive else candidate.value,
        sealed=candidate.sealed,
        kind="Sensitive" if candidate.is_sensitive else candidate.kind,
        description="",
        is_sensitive=candidate.is_sensitive,
        scope={
            name: sorted(each.capitalize() for each in ids) for name, ids in candidate.scope.items()
        },
        prompt=None,
    )


def open_candidate(candidate: Candidate) -> Secret | str | None:
    """Return the candidate's value, a sensitive one as a Secret."""
    if candidate.sealed is not None:
        return open_text(candidate.sealed, place=candidate.place)
    if candidate.is_sensitive and candidate.value is not None:
        return Secret(candidate.value)
    return candidate.value


def account_secrets(account: Account) -> dict[str, str]:
    """Return the secret values of an account by field, in clear; for the server's own use."""
    if account.sealed_secrets is None:
        return {}
    sealed = bytes(account.sealed_secrets)
    text = secret_box().open(sealed, place=account.secret_place).reveal()
    found: dict[str, str] = json.loads(text)
    return found


def fingerprint(text: str) -> str:
    """Return a short text that tells whether two secrets are the same and nothing more."""
    digest = hmac.new(secret_box().key, b"fingerprint:" + text.encode(), "sha256").hexdigest()
    return f"secret {digest[:_FINGERPRINT_CHARACTERS]}"
