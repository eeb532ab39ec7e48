"""The parts of accounts and certificates among the variables that a reader is shown."""

from collections.abc import Iterable

from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.library.references import REFERENCE_TYPES, TOKEN_PART, claims_of, parts_of
from deployments.library.scoping import Candidate
from deployments.library.services.references import visible_references
from deployments.projects.seen_values import DOTS
from deployments.releases.previewing.variables import Previewed


def with_parts_of_references(
    actor: Actor, space: Space, rows: Iterable[Previewed], candidates: Iterable[Candidate]
) -> list[Previewed]:
    """Return the rows with those that accounts and certificates add, secrets as dots.

    Only of what the reader may see; a variable of the very name of a part goes before it.
    """
    shown = list(rows)
    kinds = {(each.name.lower(), each.value) for each in candidates if each.kind in REFERENCE_TYPES}
    named = [row for row in shown if (row.name.lower(), row.raw) in kinds]
    found = visible_references(actor, space, [row.raw for row in named if row.raw])
    taken = {row.name.lower() for row in shown}
    for row in named:
        reference = found.get(row.raw or "")
        if reference is None:
            continue
        parts = [(part.name, part.text, part.is_sensitive) for part in parts_of(reference)]
        if claims_of(reference) is not None:
            parts.append((TOKEN_PART, "", True))
        shown += [
            Previewed(
                f"{row.name}.{name}",
                f"{reference.kind_word.capitalize()} {reference}",
                DOTS if is_sensitive else text,
                {},
                is_sensitive,
            )
            for name, text, is_sensitive in parts
            if f"{row.name}.{name}".lower() not in taken
        ]
    return sorted(shown, key=lambda row: row.name.lower())
