"""Filters and names of a directory. Pure; needs the library ldap3."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ldap3.core.exceptions import LDAPExceptionError
from ldap3.operation.search import parse_filter
from ldap3.utils.conv import escape_bytes, escape_filter_chars
from ldap3.utils.dn import parse_dn

Attributes = Mapping[str, Sequence[bytes]]

# Numbers that a directory has made of bytes; as text they could be read in two ways.
_BINARY: Final = frozenset({"objectguid", "objectsid"})
_ACCOUNT_DISABLED: Final = 2  # a bit of Active Directory's userAccountControl
# What tells in one directory or another that somebody may not sign in any more.
STATE_ATTRIBUTES: Final = (
    "userAccountControl",
    "nsAccountLock",
    "loginDisabled",
    "pwdAccountLockedTime",
)
_LOCKED_FOR_EVER: Final = "000001010000Z"


def filled(template: str, value: str) -> str:
    """Return the filter with each `*` replaced by the value, which stays a mere value."""
    return template.replace("*", escape_filter_chars(value))


def filled_by_any(template: str, values: Iterable[str]) -> str:
    """Return the filter that finds what any of the values fits."""
    return f"(|{''.join(filled(template, value) for value in values)})"


def template_problem(template: str) -> str:
    """Return why the text cannot be a filter with a place for a value, or nothing."""
    if "*" not in template:
        return "Write * where the name belongs."
    try:
        parse_filter(filled(template, "x"), None, True, True, None, False)
    except LDAPExceptionError:
        return "This is no LDAP filter such as (&(objectClass=person)(uid=*))."
    return ""


def canonical_dn(text: str) -> str:
    """Return the one spelling of a distinguished name. Raises ValueError for what is none."""
    try:
        parts = parse_dn(text.strip(), escape=False, strip=True)
    except (LDAPExceptionError, IndexError) as error:
        raise ValueError("no distinguished name") from error
    if not parts:
        raise ValueError("no distinguished name")
    return "".join(f"{name}={value}{separator}" for name, value, separator in parts).lower()


def subject_of(attribute: str, attributes: Attributes) -> str:
    """Return what stays the same of somebody whatever they are called, or nothing."""
    value = next(iter(_values(attributes, attribute)), b"")
    return value.hex() if attribute.lower() in _BINARY else _text(value)


def subject_filter(attribute: str, subject: str) -> str:
    """Return the filter that finds the one whose subject it is. Raises ValueError."""
    if attribute.lower() in _BINARY:
        return f"({attribute}={escape_bytes(bytes.fromhex(subject))})"
    return f"({attribute}={escape_filter_chars(subject)})"


def first_text(attributes: Attributes, attribute: str) -> str:
    """Return the first value of an attribute as a text, or nothing."""
    return _text(next(iter(_values(attributes, attribute)), b""))


def is_disabled(attributes: Attributes) -> bool:
    """Tell whether the directory says that somebody may not sign in any more."""
    control = first_text(attributes, "userAccountControl")
    return (
        (control.isdigit() and bool(int(control) & _ACCOUNT_DISABLED))
        or first_text(attributes, "nsAccountLock").lower() == "true"
        or first_text(attributes, "loginDisabled").lower() == "true"
        or first_text(attributes, "pwdAccountLockedTime") == _LOCKED_FOR_EVER
    )


def _values(attributes: Attributes, wanted: str) -> Sequence[bytes]:
    found = (values for name, values in attributes.items() if name.lower() == wanted.lower())
    return next(found, ())


def _text(value: bytes) -> str:
    text = value.decode(errors="replace").strip()
    return "".join(char for char in text if char.isprintable())
