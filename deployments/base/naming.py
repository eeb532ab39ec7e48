"""Names and slugs of the things of a space."""

from collections.abc import Callable
from typing import Any

from django.utils.text import slugify

from deployments.base.errors import Invalid
from deployments.base.models import SpaceOwned

_MOST_CHARACTERS = 200


def required_name(name: str) -> str:
    """Return the name without blanks around it; raises Invalid when none or too much is left."""
    text = name.strip()
    if not text:
        raise Invalid(fields={"Name": ["Name is required."]})
    if len(text) > _MOST_CHARACTERS:
        raise Invalid(fields={"Name": [f"Name may have at most {_MOST_CHARACTERS} characters."]})
    return text


def require_free_name(row: SpaceOwned, kind: str, **within: Any) -> None:
    """Raise Invalid when another row of the space (and of `within`) has the name, in any case.

    `kind` starts the sentence, with its article: `An environment`.
    """
    name = str(getattr(row, "name"))  # noqa: B009 not every owned row has one
    rows: Any = type(row).objects.in_space(row.space)
    others = rows.filter(name__iexact=name, **within)
    if others.exclude(pk=row.pk).exists():
        raise Invalid(
            fields={"Name": [f"{kind} with the name '{name}' already exists. Use another name."]}
        )


def free_slug(row: SpaceOwned, wish: str = "", **within: Any) -> str:
    """Return a slug from the wish or the row's name that no other row has."""
    rows: Any = type(row).objects.in_space(row.space)
    others = rows.filter(**within).exclude(pk=row.pk)
    return unique_slug(
        wish or str(getattr(row, "name")),  # noqa: B009 not every owned row has one
        taken=lambda slug: others.filter(slug=slug).exists(),
    )


def unique_slug(name: str, *, taken: Callable[[str], bool]) -> str:
    """Return a slug for the name, with a number added while `taken` says so."""
    base = slugify(name)[:_MOST_CHARACTERS].strip("-") or "item"
    slug, number = base, 1
    while taken(slug):
        number += 1
        slug = f"{base}-{number}"
    return slug
