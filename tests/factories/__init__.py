"""Plain functions that make things through the services; a test says only what matters to it."""

from tests.factories.people import (
    SYSTEM,
    Person,
    give_role,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_user,
)
from tests.factories.spaces import default_space, make_space

__all__ = [
    "SYSTEM",
    "Person",
    "default_space",
    "give_role",
    "make_ana",
    "make_ben",
    "make_cleo",
    "make_dan",
    "make_space",
    "make_user",
]
