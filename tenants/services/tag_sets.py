"""Creating, changing, ordering and deleting tag sets."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Unpack

from django.db import transaction
from django.db.models import Max

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from tenants.matching import canonical_name
from tenants.models import Tag, TagSet
from tenants.services.tag_usage import (
    Scope,
    require_deletable,
    require_single,
    require_unused,
    require_unused_for,
)

DEFAULT_COLOR: Final = "#6E7F91"
MOST_TAGS: Final = 500
_LONGEST: Final = 200
_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True, slots=True)
class TagInput:
    """A tag as it shall be; one without `number` is new unless its name is known."""

    name: str
    color: str = DEFAULT_COLOR
    description: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class TagSetInput:
    """A tag set as it shall be, its tags in order."""

    name: str
    tags: Sequence[TagInput] = ()
    description: str = ""
    kind: str = "MultiSelect"
    scopes: Collection[str] = (Scope.TENANT,)
    sort_order: int | None = None


def scopes_of(row: TagSet) -> list[str]:
    """Return what the tags of the set are for, as the wire has it."""
    chosen = ((row.for_tenants, Scope.TENANT), (row.for_runbooks, Scope.RUNBOOK))
    return [scope.value for is_chosen, scope in chosen if is_chosen]


def create_tag_set(*, actor: Actor, space: Space, tag_set: TagSetInput) -> TagSet:
    """Create a tag set, at the end of the order unless told otherwise."""
    require(actor, space, Permission.TagSetCreate)
    row = TagSet(space=space, sort_order=_next_order(space))
    with transaction.atomic():
        _fill(row, tag_set)
        row.save(force_insert=True)
        _store_tags(row, _checked(tag_set.tags))
        _record(actor, row, "Created", "created", after=_snapshot(row))
    return row


def update_tag_set(*, actor: Actor, row: TagSet, tag_set: TagSetInput) -> TagSet:
    """Give the set these values; a tag in use can neither be left out nor renamed."""
    require(actor, row.space, Permission.TagSetEdit)
    tags = _checked(tag_set.tags)
    with transaction.atomic():
        before, old = _snapshot(row), row.name
        _fill(row, tag_set)
        if row.name != old:
            for tag in row.tags.all():
                require_unused(row.space, canonical_name(old, tag.name), "renamed")
        require_single(row)
        lost = [scope for scope in before["Scopes"] if scope not in scopes_of(row)]
        require_unused_for(row, old, lost)
        row.save()
        _store_tags(row, tags, old_name=old)
        _record(actor, row, "Modified", "changed", before=before, after=_snapshot(row))
    return row


def delete_tag_set(*, actor: Actor, row: TagSet) -> None:
    """Delete a set of which nothing uses a tag."""
    require(actor, row.space, Permission.TagSetDelete)
    with transaction.atomic():
        for tag in row.tags.all():
            require_deletable(row, tag, row.name)
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row))
        row.delete()


def sort_tag_sets(*, actor: Actor, space: Space, ids: Sequence[str]) -> list[TagSet]:
    """Put the sets into this order; every one must be named once."""
    require(actor, space, Permission.TagSetEdit)
    rows = {row.public_id.lower(): row for row in TagSet.objects.in_space(space)}
    wanted = [text.lower() for text in ids]
    if sorted(wanted) != sorted(rows):
        raise Invalid("The sort order must name every tag set of the space exactly once.")
    ordered = [rows[text] for text in wanted]
    with transaction.atomic():
        for position, row in enumerate(ordered):
            row.sort_order = position
        TagSet.objects.in_space(space).bulk_update(ordered, ["sort_order"])
        events.record(
            actor=actor,
            space=space,
            category="Modified",
            message="Tag sets put into another order",
            related=[row.public_id for row in ordered],
        )
    return ordered


def _fill(row: TagSet, tag_set: TagSetInput) -> None:
    row.name = required_name(tag_set.name)
    if "/" in row.name:
        raise Invalid(fields={"Name": ["The name of a tag set may not contain a slash."]})
    if tag_set.kind not in TagSet.Kind.values:
        raise Invalid(fields={"Type": [f"Type must be one of {', '.join(TagSet.Kind.values)}."]})
    unknown = [scope for scope in tag_set.scopes if scope not in tuple(Scope)]
    if unknown or not tag_set.scopes:
        raise Invalid(fields={"Scopes": [f"Scopes must be some of {', '.join(Scope)}."]})
    row.description, row.kind = tag_set.description, tag_set.kind
    row.for_tenants = Scope.TENANT in tag_set.scopes
    row.for_runbooks = Scope.RUNBOOK in tag_set.scopes
    if tag_set.sort_order is not None:
        row.sort_order = tag_set.sort_order
    require_free_name(row, "A tag set")
    row.slug = free_slug(row, row.slug)


def _checked(tags: Sequence[TagInput]) -> list[TagInput]:
    errors = []
    if len(tags) > MOST_TAGS:
        errors.append(f"A tag set may have at most {MOST_TAGS} tags.")
    checked = []
    for tag in tags:
        name, color = tag.name.strip(), tag.color.strip() or DEFAULT_COLOR
        if not name or len(name) > _LONGEST or "/" in name or "," in name:
            errors.append(
                f"The tag '{name}' needs 1 to {_LONGEST} characters without slash or comma."
            )
        if not _COLOR.fullmatch(color):
            errors.append(f"The color of the tag '{name}' must have the form #RRGGBB.")
        checked.append(TagInput(name, color, tag.description, tag.number))
    names = Counter(tag.name.lower() for tag in checked)
    errors += [f"There are several tags '{name}'." for name, count in names.items() if count > 1]
    if errors:
        raise Invalid(fields={"Tags": list(dict.fromkeys(errors))})
    return checked


def _store_tags(row: TagSet, tags: Sequence[TagInput], *, old_name: str = "") -> None:
    stored = {tag.pk: tag for tag in Tag.objects.filter(tag_set=row)}
    by_name = {tag.name.lower(): tag for tag in stored.values()}
    kept: list[tuple[Tag, TagInput]] = []
    for position, tag in enumerate(tags):
        known = stored.get(tag.number or 0) or by_name.get(tag.name.lower())
        kept.append((known or Tag(tag_set=row), tag))
        kept[-1][0].sort_order = position
    numbers = {known.pk for known, _ in kept}
    for number, gone in stored.items():
        if number not in numbers:
            require_deletable(row, gone, old_name)
            gone.delete()
    renamed = [(known, tag) for known, tag in kept if known.pk and known.name != tag.name]
    for known, _ in renamed:
        require_unused(row.space, canonical_name(old_name, known.name), "renamed")
        # Two tags may swap their names, which the database would refuse half way.
        Tag.objects.filter(pk=known.pk).update(name=f"\n{known.pk}")
    for known, tag in kept:
        known.name, known.color, known.description = tag.name, tag.color, tag.description
        known.save()


def _next_order(space: Space) -> int:
    highest = TagSet.objects.in_space(space).aggregate(highest=Max("sort_order"))["highest"]
    return 0 if highest is None else int(highest) + 1


def _snapshot(row: TagSet) -> dict[str, Any]:
    return {
        "Name": row.name,
        "Description": row.description,
        "Type": row.kind,
        "Scopes": scopes_of(row),
        "SortOrder": row.sort_order,
        "Tags": [[tag.name, tag.color, tag.description] for tag in Tag.objects.filter(tag_set=row)],
    }


def _record(
    actor: Actor, row: TagSet, category: str, verb: str, **snapshots: Unpack[events.Snapshots]
) -> None:
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Tag set {row.name} was {verb}",
        subject=row.public_id,
        **snapshots,
    )
