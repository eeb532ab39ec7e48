"""Finding people and their groups in a directory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deployments.access.ldap.directory import (
    Directory,
    DirectoryUnavailable,
    Entry,
    Session,
    TooMany,
    WrongPassword,
    asking,
    try_password,
)
from deployments.access.ldap.names import (
    STATE_ATTRIBUTES,
    canonical_dn,
    filled,
    filled_by_any,
    first_text,
    is_disabled,
    subject_filter,
    subject_of,
)
from deployments.access.providers.people import ExternalPerson, username_of

_MOST_GROUPS: Final = 1000
_AT_ONCE: Final = 50
_NO_ATTRIBUTES: Final = ("1.1",)  # RFC 4511, 4.5.1.8
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Tree:
    """Where in a directory people and groups are, and how they are told apart.

    In the filters `*` stands for the user name, and for the name of a member. Without a
    `group_base` nobody has groups; groups in groups count down to `nested_depth`.
    """

    user_base: str
    user_filter: str
    id_attribute: str
    username_attribute: str
    name_attribute: str
    email_attribute: str
    group_base: str
    group_filter: str
    nested_depth: int

    @property
    def attributes(self) -> Sequence[str]:
        """What to read of a person."""
        own = (
            self.id_attribute,
            self.username_attribute,
            self.name_attribute,
            self.email_attribute,
        )
        return [*dict.fromkeys(name for name in own if name), *STATE_ATTRIBUTES]


@dataclass(frozen=True, slots=True)
class Looked:
    """What the directory says of somebody whom it knows."""

    person: ExternalPerson
    is_disabled: bool


def person_with_password(
    directory: Directory, tree: Tree, username: str, password: str
) -> ExternalPerson:
    """Return the person of this name and password. Raises WrongPassword, DirectoryUnavailable."""
    if not password or "\0" in username + password:
        raise WrongPassword
    with asking(directory) as session:
        entry = _entry(session, tree, filled(tree.user_filter, username), username)
        if entry is None:
            raise WrongPassword
        try_password(directory, entry.dn, password)
        looked = _looked(session, tree, entry)
    if looked.is_disabled:
        raise WrongPassword
    return looked.person


def look_up(directory: Directory, tree: Tree, username: str) -> Looked | None:
    """Return what the directory says of a user name. Raises DirectoryUnavailable."""
    with asking(directory) as session:
        entry = _entry(session, tree, filled(tree.user_filter, username), username)
        return _looked(session, tree, entry) if entry is not None else None


def look_again(session: Session, tree: Tree, subject: str) -> Looked | None:
    """Return what the directory says now of somebody it knew. Raises DirectoryUnavailable."""
    try:
        wanted = subject_filter(tree.id_attribute, subject)
    except ValueError:
        return None
    entry = _entry(session, tree, wanted, subject)
    return _looked(session, tree, entry) if entry is not None else None


def shows_anybody(session: Session, tree: Tree) -> bool:
    """Tell whether anybody is found, whatever the name. Raises DirectoryUnavailable."""
    try:
        return bool(session.find(tree.user_base, tree.user_filter, _NO_ATTRIBUTES, most=1))
    except TooMany:
        return True


def _entry(session: Session, tree: Tree, wanted: str, name: str) -> Entry | None:
    try:
        found = session.find(tree.user_base, wanted, tree.attributes, most=1)
    except TooMany as error:
        text = f"It knows more than one person as {name[:100]}: make the filter narrower."
        raise DirectoryUnavailable(text) from error
    return found[0] if found else None


def _looked(session: Session, tree: Tree, entry: Entry) -> Looked:
    attributes = entry.attributes
    subject = subject_of(tree.id_attribute, attributes)
    if not subject:
        text = (
            f"It does not tell {tree.id_attribute} of {entry.dn[:200]}, by which people are known."
        )
        raise DirectoryUnavailable(text)
    username = username_of(first_text(attributes, tree.username_attribute))
    email = first_text(attributes, tree.email_attribute)
    name = first_text(attributes, tree.name_attribute) or username
    person = ExternalPerson(
        subject=subject[:255],
        username=username,
        display_name=name[:_LONGEST_NAME].strip(),
        email=email if "@" in email and " " not in email else "",
        groups=_groups(session, tree, entry.dn),
    )
    return Looked(person, is_disabled(attributes))


def _groups(session: Session, tree: Tree, dn: str) -> list[str]:
    """Return the groups of somebody by their names, each once, with the groups these are in."""
    found: dict[str, str] = {}
    members = [dn] if tree.group_base else []
    for _ in range(tree.nested_depth + 1):
        above: dict[str, str] = {}
        for start in range(0, len(members), _AT_ONCE):
            wanted = filled_by_any(tree.group_filter, members[start : start + _AT_ONCE])
            for entry in session.find(tree.group_base, wanted, _NO_ATTRIBUTES):
                above.setdefault(canonical_dn(entry.dn), entry.dn)
        members = [name for key, name in above.items() if key not in found]
        found |= above
        if len(found) > _MOST_GROUPS:
            raise DirectoryUnavailable(f"Somebody is in more than {_MOST_GROUPS} groups.")
        if not members:
            break
    return sorted(found)
