"""Names on the wire are PascalCase; ours are snake_case."""

from functools import cache


@cache
def pascal_case(name: str) -> str:
    """Return `SpaceId` for `space_id`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
