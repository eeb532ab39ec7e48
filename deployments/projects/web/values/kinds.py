"""The types of values: what people call them, and what a value that is chosen is chosen from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from deployments.access.web.pages import PageRequest
from deployments.library.account_types import BY_VARIABLE_TYPE
from deployments.library.models import Variable
from deployments.library.references import CERTIFICATE, WORKER_POOL
from deployments.library.services.references import reference_choices

TEXT: Final = "String"
SENSITIVE: Final = "Sensitive"
# The id of a thing with its name.
Options = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of values; one with `options` is chosen from what the reader may see of them."""

    words: str
    options: Callable[[PageRequest], Options] | None = None


def _references(kind: str) -> Callable[[PageRequest], Options]:
    def options(request: PageRequest) -> Options:
        return reference_choices(request.actor, request.space, [kind])[kind]

    return options


KINDS: Final[Mapping[str, Kind]] = {
    TEXT: Kind("Text"),
    SENSITIVE: Kind("Sensitive"),
    **{
        kind: Kind(f"Account: {each.words}", _references(kind))
        for kind, each in BY_VARIABLE_TYPE.items()
    },
    CERTIFICATE: Kind("Certificate", _references(CERTIFICATE)),
    WORKER_POOL: Kind("Worker pool", _references(WORKER_POOL)),
}


def words_of(kind: str) -> str:
    """Return what people call the type; one that is not offered by its own name."""
    known = KINDS.get(kind)
    return known.words if known else kind


def options_of(request: PageRequest, kind: str) -> Options:
    """Return what a value of the type is chosen from; nothing for one that is written."""
    known = KINDS.get(kind)
    return known.options(request) if known and known.options else []


def chosen_kinds(
    request: PageRequest, current: str = "", value: str = ""
) -> list[tuple[str, str, Options]]:
    """Return the types whose values are chosen: name, words and options.

    The value of the `current` type stays among them where the reader may not see what it chose.
    """
    found = [
        (name, kind.words, kind.options(request)) for name, kind in KINDS.items() if kind.options
    ]
    for name, _, options in found:
        if name == current and value and all(value != known for known, _ in options):
            options.append((value, value))
    return found


def chosen_names(request: PageRequest, rows: Iterable[Variable]) -> dict[tuple[str, str], str]:
    """Return the names of what values chose, by type and id; of the types that the rows have."""
    kinds = {row.kind for row in rows} & {name for name, kind in KINDS.items() if kind.options}
    return {(kind, number): name for kind in kinds for number, name in options_of(request, kind)}
