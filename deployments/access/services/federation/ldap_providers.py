"""The directories at which people may sign in."""

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from deployments.access.models import IdentityProvider, LdapDirectory
from deployments.access.services.browser_sessions import drop_sessions_of_provider
from deployments.access.services.federation.identity_providers import (
    GROUP_DAYS,
    free_slug,
    name_problem,
    next_position,
    record_change,
    require_may_change,
    seal_secret,
)
from deployments.access.services.request_settings import allows_loopback
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.secrets import secret_box

if TYPE_CHECKING:
    from deployments.access.ldap.directory import Directory
    from deployments.access.ldap.people import Tree

INSTALL: Final = "Signing in by LDAP needs the extra of the server: pip install 'octopus[ldap]'."
USER_FILTER: Final = "(&(objectClass=person)(sAMAccountName=*))"
GROUP_FILTER: Final = "(&(objectClass=group)(member=*))"
_LONGEST_SECRET: Final = 2000
# A change of these leads the stored password to somebody else.
_WHERE: Final = ("server", "port", "security", "ca_certificate")
_OF_PROVIDER: Final = ("name", "is_enabled", "creates_users", "links_by_email", "group_days")
WIRE: Final = {
    "name": "Name",
    "server": "Server",
    "port": "Port",
    "security": "SecurityProtocol",
    "ca_certificate": "CaCertificate",
    "bind_dn": "ConnectUsername",
    "user_base": "UserBaseDN",
    "user_filter": "UserFilter",
    "id_attribute": "UniqueIdAttribute",
    "username_attribute": "UserNameAttribute",
    "name_attribute": "UserDisplayNameAttribute",
    "email_attribute": "UserEmailAttribute",
    "group_base": "GroupBaseDN",
    "group_filter": "GroupMemberFilter",
    "nested_depth": "NestedGroupSearchDepth",
    "deactivates": "DeactivateMissingUsers",
    "is_enabled": "IsEnabled",
    "creates_users": "AllowAutoUserCreation",
    "links_by_email": "LinkByEmail",
    "group_days": "GroupsLastDays",
}
PASSWORD: Final = "ConnectPassword"  # noqa: S105 the name of a field


@dataclass(frozen=True, slots=True)
class LdapInput:
    """What people write of a directory; the password of the account that asks is given apart."""

    name: str
    server: str
    user_base: str
    port: int = 636
    security: str = LdapDirectory.Security.TLS
    ca_certificate: str = ""
    bind_dn: str = ""
    user_filter: str = USER_FILTER
    id_attribute: str = "objectGUID"
    username_attribute: str = "sAMAccountName"
    name_attribute: str = "displayName"
    email_attribute: str = "mail"
    group_base: str = ""
    group_filter: str = GROUP_FILTER
    nested_depth: int = 5
    deactivates: bool = True
    is_enabled: bool = True
    creates_users: bool = True
    links_by_email: bool = False
    group_days: int = GROUP_DAYS


def is_installed() -> bool:
    """Return whether the library that speaks LDAP is there."""
    return find_spec("ldap3") is not None


def create_directory(*, actor: Actor, directory: LdapInput, password: str = "") -> IdentityProvider:
    """Let people sign in with the password of a directory. Raises Invalid."""
    require_may_change(actor)
    wanted = _checked(directory, password)
    own = {name: wanted.pop(name) for name in _OF_PROVIDER}
    with transaction.atomic():
        row = IdentityProvider(
            kind=IdentityProvider.Kind.LDAP,
            slug=free_slug(own["name"]),
            position=next_position(),
            **own,
        )
        row.save()
        LdapDirectory.objects.create(provider=row, **wanted)
        seal_secret(row, password)
        record_change(actor, row, "Created", "added", {}, directory_snapshot(row))
    return row


def update_directory(
    *, actor: Actor, row: IdentityProvider, directory: LdapInput, password: str | None = None
) -> IdentityProvider:
    """Change a directory; a password of None stays as it is, an empty one is removed.

    Disabling it ends the sessions that it began. Raises Invalid; also when the stored password
    would go to another server, and when people would be told apart by another attribute.
    """
    require_may_change(actor)
    wanted = _checked(directory, password or "", besides=row)
    stored = row.directory
    moves = any(wanted[name] != getattr(stored, name) for name in _WHERE)
    if moves and row.sealed_secret and password is None:
        text = "It is sent to another place now, so the password has to be entered again."
        raise Invalid(fields={PASSWORD: [text]})
    if wanted["id_attribute"] != stored.id_attribute and row.logins.exists():
        text = "People are known by this attribute. Add another directory instead."
        raise Invalid(fields={WIRE["id_attribute"]: [text]})
    with transaction.atomic():
        before, was_enabled = directory_snapshot(row), row.is_enabled
        for name, value in wanted.items():
            setattr(row if name in _OF_PROVIDER else stored, name, value)
        stored.problem = ""
        row.save()
        stored.save()
        if password is not None:
            seal_secret(row, password)
        if was_enabled and not row.is_enabled:
            drop_sessions_of_provider(row)
        after = directory_snapshot(row)
        after |= {PASSWORD: "changed"} if password is not None else {}
        record_change(actor, row, "Modified", "changed", before, after)
    return row


def try_directory(*, actor: Actor, row: IdentityProvider, username: str = "") -> str:
    """Return what the directory says, of somebody if named. Raises Invalid with what is wrong."""
    require_may_change(actor)
    directory, tree = opened_directory(row)
    from deployments.access.ldap.directory import (  # noqa: PLC0415 needs an extra
        DirectoryUnavailable,
        asking,
    )
    from deployments.access.ldap.people import look_up  # noqa: PLC0415 an optional extra

    try:
        if not username.strip():
            with asking(directory):
                return f"{row.name} answers. Name somebody to see what it tells of them."
        looked = look_up(directory, tree, username.strip())
    except DirectoryUnavailable as error:
        raise Invalid(f"{row.name} cannot be used: {error}") from error
    if looked is None:
        raise Invalid(f"{row.name} answers, but knows nobody as {username.strip()[:100]}.")
    person = looked.person
    address = f" ({person.email})" if person.email else ""
    state = ", who is disabled there," if looked.is_disabled else ""
    groups = f"in {'; '.join(person.groups[:10])}" if person.groups else "in no group"
    return f"{row.name} knows {person.display_name}{address}{state} as {person.username}, {groups}."


def opened_directory(row: IdentityProvider) -> "tuple[Directory, Tree]":
    """Return the settings to ask with. Raises Invalid where the library is missing."""
    if not is_installed():
        raise Invalid(INSTALL)
    from deployments.access.ldap.directory import Directory  # noqa: PLC0415 needs an extra
    from deployments.access.ldap.people import Tree  # noqa: PLC0415 an optional extra

    stored = row.directory
    password = ""
    if row.sealed_secret:
        sealed = bytes(row.sealed_secret)
        password = secret_box().open(sealed, place=row.secret_place).reveal()
    return (
        Directory(
            server=stored.server,
            port=stored.port,
            security=stored.security,
            ca_certificate=stored.ca_certificate,
            bind_dn=stored.bind_dn,
            password=password,
            allow_loopback=allows_loopback(),
        ),
        Tree(
            user_base=stored.user_base,
            user_filter=stored.user_filter,
            id_attribute=stored.id_attribute,
            username_attribute=stored.username_attribute,
            name_attribute=stored.name_attribute,
            email_attribute=stored.email_attribute,
            group_base=stored.group_base,
            group_filter=stored.group_filter,
            nested_depth=stored.nested_depth,
        ),
    )


def directory_snapshot(row: IdentityProvider) -> dict[str, Any]:
    """Return what events compare of a directory."""
    stored = row.directory
    return {
        **{
            wire: getattr(row if name in _OF_PROVIDER else stored, name)
            for name, wire in WIRE.items()
        },
        f"Has{PASSWORD}": bool(row.sealed_secret),
    }


def _checked(
    sent: LdapInput, password: str, besides: IdentityProvider | None = None
) -> dict[str, Any]:
    if not is_installed():
        raise Invalid(INSTALL)
    from deployments.access.ldap.checks import problems_of  # noqa: PLC0415 needs an extra

    wanted = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in asdict(sent).items()
    }
    problems = {WIRE[name]: [text] for name, text in problems_of(wanted).items()}
    if len(password) > _LONGEST_SECRET:
        problems[PASSWORD] = [f"At most {_LONGEST_SECRET} characters."]
    if password and not wanted["bind_dn"]:
        problems[WIRE["bind_dn"]] = ["Whose password is it?"]
    if problem := name_problem(wanted["name"], besides):
        problems["Name"] = [problem]
    if problems:
        raise Invalid(fields=problems)
    return wanted
