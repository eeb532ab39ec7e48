"""A value that a variable adds which names an account or certificate."""

from typing import NamedTuple


class Part(NamedTuple):
    """`name` follows the variable's, after a dot."""

    name: str
    text: str
    is_sensitive: bool = False
