"""What uses an account, certificate or worker pool; upper floors register what of theirs does."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deployments.access.grants import load_grants
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.library.models import Variable
from deployments.library.queries import is_of_library, may_view
from deployments.library.usage import owner_name

_MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Use:
    """Something that names an account, certificate or worker pool.

    `kind` is the list of the wire that it stands in, `id` the public id of what holds it, `path`
    its page below the space. `is_visible` says whether the actor may be told of it; `wire` is what
    clients read besides id and name.
    """

    kind: str
    id: str
    name: str
    words: str
    path: str
    is_visible: bool = True
    wire: Mapping[str, Any] = field(default_factory=dict)


Finder = Callable[[Actor, Space, str], Iterator[Use]]
_finders: list[Finder] = []


def register_uses(find: Finder) -> None:
    """Register a search for what names an account or the like by its public id."""
    _finders.append(find)


def uses_of(actor: Actor, space: Space, public_id: str) -> Iterator[Use]:
    """Yield what names the account, certificate or worker pool, visible to the actor or not."""
    yield from _variables(actor, space, public_id)
    for find in _finders:
        yield from find(actor, space, public_id)


def require_no_uses(actor: Actor, space: Space, public_id: str, what: str) -> None:
    """Raise Invalid that names what uses it, as far as the actor may see it."""
    uses = list(uses_of(actor, space, public_id))
    if not uses:
        return
    shown = list(dict.fromkeys(use.words for use in uses if use.is_visible))
    named = shown[:_MOST_SHOWN]
    more = len(shown) - len(named)
    hidden = sum(not use.is_visible for use in uses)
    named += [f"{more} more"] if more else []
    named += [f"{hidden} that you may not see"] if hidden else []
    raise Invalid(f"{what} cannot be deleted because it is used by {', '.join(named)}.")


def _variables(actor: Actor, space: Space, public_id: str) -> Iterator[Use]:
    rows = Variable.objects.in_space(space).filter(value=public_id).exclude(kind="String")
    grants = load_grants(actor, space)
    for row in rows.select_related("variable_set__space"):
        owner = row.variable_set.owner_id
        of_library = is_of_library(row.variable_set)
        name = owner_name(row.variable_set)
        yield Use(
            kind="LibraryVariableSets" if of_library else "ProjectVariableSets",
            id=owner,
            name=name,
            words=f"the variable {row.name} of {name}",
            path=f"projects/library/{owner}" if of_library else f"projects/{owner}/variables",
            is_visible=may_view(grants, row.scope, row.variable_set),
            wire=_of_set(owner, name) if of_library else _of_project(owner, name),
        )


def _of_set(owner: str, name: str) -> dict[str, Any]:
    return {"LibraryVariableSetId": owner, "LibraryVariableSetName": name}


def _of_project(owner: str, name: str) -> dict[str, Any]:
    return {
        "ProjectId": owner,
        "ProjectName": name,
        "IsCurrentlyBeingUsedInProject": True,
        # They stand in lists of their own.
        "Releases": [],
        "RunbookSnapshots": [],
    }
