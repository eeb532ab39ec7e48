"""Names on the wire are PascalCase; ours are snake_case."""

from functools import cache
from typing import Any


@cache
def pascal_case(name: str) -> str:
    """Return `SpaceId` for `space_id`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def with_pascal_names(value: Any) -> Any:
    """Return a JSON value whose property names all begin with a capital, as ours do."""
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: with_pascal_names(v) for name, v in value.items()}
    if isinstance(value, list):
        return [with_pascal_names(each) for each in value]
    return value
