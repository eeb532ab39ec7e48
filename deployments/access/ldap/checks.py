"""What people may write of a directory. Pure."""

import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final

from deployments.access.ldap.names import canonical_dn, template_problem
from deployments.access.models import LdapDirectory

_LARGEST_PORT: Final = 65_535
_DEEPEST: Final = 20
_MOST_DAYS: Final = 365
_REQUIRED: Final = {
    "server": 253,
    "user_base": 500,
    "user_filter": 1000,
    "id_attribute": 100,
    "username_attribute": 100,
    "name_attribute": 100,
    "email_attribute": 100,
}
_OPTIONAL: Final = {"bind_dn": 500, "group_base": 500, "group_filter": 1000}


def problems_of(wanted: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong by the name of the field; the first fault of each."""
    problems = {}
    for name, check in _CHECKS.items():
        if problem := check(wanted[name]):
            problems[name] = problem
    for name, longest in (_REQUIRED | _OPTIONAL).items():
        text = wanted[name]
        is_missing = not text and name in _REQUIRED
        if is_missing or len(text) > longest or (text and not text.isprintable()):
            problems[name] = f"It is required and has at most {longest} characters."
    if wanted["group_base"] and (problem := template_problem(wanted["group_filter"])):
        problems["group_filter"] = problem
    return problems


def _number(least: int, most: int) -> Callable[[int], str]:
    text = f"A number from {least} to {most}."
    return lambda value: "" if least <= value <= most else text


def _dn(text: str) -> str:
    try:
        _ = text and canonical_dn(text)
    except ValueError:
        return "A distinguished name such as ou=people,dc=example,dc=com."
    return ""


def _host(text: str) -> str:
    bad = any(char.isspace() or char in "/@" for char in text)
    return "A host name or an address, without ldap:// and port." if bad else ""


def _security(text: str) -> str:
    known = LdapDirectory.Security.values
    return "" if text in known else f"One of {', '.join(known)}."


def _certificates(text: str) -> str:
    try:
        _ = text and ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        return "Certificates in PEM form, each from BEGIN to END."
    return ""


_CHECKS: Final[Mapping[str, Callable[[Any], str]]] = {
    "server": _host,
    "port": _number(1, _LARGEST_PORT),
    "security": _security,
    "ca_certificate": _certificates,
    "bind_dn": _dn,
    "user_base": _dn,
    "user_filter": template_problem,
    "group_base": _dn,
    "nested_depth": _number(0, _DEEPEST),
    "group_days": _number(1, _MOST_DAYS),
}
