"""Public ids."""

import pytest
from django.apps import apps

from deployments.base import public_ids
from deployments.base.errors import NotFound


@pytest.mark.parametrize("text", ["Projects-12", "projects-12", "PROJECTS-12"])
def test_the_kind_ignores_case(text: str) -> None:
    assert public_ids.parse("Projects", text) == 12


@pytest.mark.parametrize(
    "text",
    [
        *("Releases-12", "Projects-0", "Projects-012", "Projects--1", "Projects-1 ", "12", ""),
        *("Projects-1\n", "Projects-١", "Projects-9999999999999999999", "Projects-1.0"),
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    assert public_ids.parse("Projects", text) is None
    with pytest.raises(NotFound):
        public_ids.require("Projects", text)


def test_prefixes_are_unique_among_all_models() -> None:
    prefixes = [
        model.id_prefix.lower() for model in apps.get_models() if hasattr(model, "id_prefix")
    ]
    assert len(prefixes) == len(set(prefixes))
