"""Public ids (`Projects-12`): made and parsed here and nowhere else."""

import re
from typing import ClassVar

from deployments.base.errors import NotFound

_FORM = re.compile(r"([A-Za-z]+)-([1-9][0-9]{0,17})\Z")


class PublicId:
    """Mixin for models that have a public id; `id_prefix` is unique among all models."""

    id_prefix: ClassVar[str]
    pk: int

    @property
    def public_id(self) -> str:
        return f"{self.id_prefix}-{self.pk}"


def make(prefix: str, number: int) -> str:
    """Return the public id of row `number` of the kind `prefix`."""
    return f"{prefix}-{number}"


def parse(prefix: str, text: str) -> int | None:
    """Return the row number in `text`, or None when it is not an id of this kind."""
    match = _FORM.match(text)
    if match is None or match[1].lower() != prefix.lower():
        return None
    return int(match[2])


def require(prefix: str, text: str) -> int:
    """Return the row number in `text`; raises NotFound when it is not an id of this kind."""
    number = parse(prefix, text)
    if number is None:
        raise NotFound
    return number
