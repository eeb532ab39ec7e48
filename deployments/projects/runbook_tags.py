"""The tags that runbooks may carry; tag sets are of the floor above, which registers them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deployments.base.errors import Invalid
from deployments.base.models import Space


@dataclass(frozen=True, slots=True)
class RunbookTag:
    """A tag: its name in the set, its canonical name, and its color as `#RRGGBB`."""

    name: str
    canonical: str
    color: str


@dataclass(frozen=True, slots=True)
class RunbookTagSet:
    """A tag set for runbooks; of a single one a runbook carries at most one tag."""

    name: str
    is_single: bool
    tags: tuple[RunbookTag, ...]


TagSets = Callable[[Space], list[RunbookTagSet]]
_sources: list[TagSets] = []


def register_runbook_tag_sets(read: TagSets) -> None:
    """Register how the tag sets of a space that are for runbooks are read."""
    _sources.append(read)


def runbook_tag_sets_of(space: Space) -> list[RunbookTagSet]:
    """Return the tag sets for runbooks, in their order."""
    return [tag_set for read in _sources for tag_set in read(space)]


def known_runbook_tags(space: Space, names: Sequence[str]) -> list[str]:
    """Return the canonical names of tags for runbooks; raises Invalid for what is none."""
    if not names:
        return []
    known = {
        tag.canonical.lower(): tag.canonical
        for tag_set in runbook_tag_sets_of(space)
        for tag in tag_set.tags
    }
    unknown = [name for name in names if name.strip().lower() not in known]
    if unknown:
        problems = [f"There is no tag '{name}' for runbooks." for name in dict.fromkeys(unknown)]
        raise Invalid(fields={"RunbookTags": problems})
    return list(dict.fromkeys(known[name.strip().lower()] for name in names))


def carried_runbook_tags(space: Space, names: Sequence[str]) -> list[str]:
    """Return the canonical names of what a runbook shall carry; raises Invalid.

    Of a set of which only one may be chosen, two are refused.
    """
    found = known_runbook_tags(space, names)
    for tag_set in runbook_tag_sets_of(space) if found else ():
        own = [tag.name for tag in tag_set.tags if tag.canonical in found]
        if tag_set.is_single and len(own) > 1:
            problem = (
                f"A runbook may carry one tag of the set '{tag_set.name}' only, not both"
                f" '{own[0]}' and '{own[1]}'."
            )
            raise Invalid(fields={"RunbookTags": [problem]})
    return found
