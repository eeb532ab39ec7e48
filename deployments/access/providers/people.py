"""What a provider's claims say about a person. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from deployments.access.providers.tokens import Claims, text_of

_MOST_GROUPS: Final = 1000
_LONGEST_GROUP: Final = 400
_LONGEST_NAME: Final = 64
_ALLOWED: Final = frozenset("._@+-")


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """A person as their provider tells; `email` only when the provider has verified it."""

    subject: str
    username: str
    display_name: str
    email: str
    groups: Sequence[str]

    @property
    def shown_as(self) -> str:
        """What to call the account at the provider."""
        return (self.email or self.username or self.subject)[:255]


def person_of(claims: Claims, *, username_claim: str, group_claim: str) -> ExternalPerson:
    """Read the claims; a username is put into the letters that usernames may have."""
    email = text_of(claims, "email").strip()
    is_verified = claims.get("email_verified") is True and "@" in email and email.isprintable()
    wanted = _value(claims, username_claim)
    username = username_of(wanted if isinstance(wanted, str) else "")
    if not username and is_verified:
        username = username_of(email)
    name = text_of(claims, "name") or username
    shown = "".join(char for char in name if char.isprintable())
    return ExternalPerson(
        subject=text_of(claims, "sub"),
        username=username,
        display_name=shown.strip()[:_LONGEST_NAME],
        email=email if is_verified else "",
        groups=_groups(_value(claims, group_claim)),
    )


def _value(claims: Claims, path: str) -> Any:
    """Return the claim of that name or, with dots, the one inside others."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _groups(value: Any) -> Sequence[str]:
    values = value if isinstance(value, list) else [value]
    texts = (each for each in values if isinstance(each, str) and each.isprintable())
    kept = dict.fromkeys(text for text in texts if 0 < len(text) <= _LONGEST_GROUP)
    return tuple(kept)[:_MOST_GROUPS]


def username_of(text: str) -> str:
    """Return the name in the letters that usernames may have."""
    plain = unicodedata.normalize("NFKD", text.strip())
    letters = (char for char in plain if char.isascii() and (char.isalnum() or char in _ALLOWED))
    return "".join(letters)[:_LONGEST_NAME]
