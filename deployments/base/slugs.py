"""Slugs: lower-case words joined by hyphens, unique per space and kind."""

from collections.abc import Callable

from django.utils.text import slugify

_MOST_CHARACTERS = 200


def unique_slug(name: str, *, taken: Callable[[str], bool]) -> str:
    """Return a slug for the name, with a number added while `taken` says so."""
    base = slugify(name)[:_MOST_CHARACTERS].strip("-") or "item"
    slug, number = base, 1
    while taken(slug):
        number += 1
        slug = f"{base}-{number}"
    return slug
