"""Values of variables that fit equally well, so that their place alone decides; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from deployments.library.scoping import Winner

_SWITCH: Final = "OctopusSuppressDuplicateVariableWarning"
_MOST_NAMED: Final = 10


def tie_warnings(winners: Mapping[str, Winner]) -> Iterator[str]:
    """Yield one warning that names the variables whose value is a matter of order.

    Equal values surprise nobody; `OctopusSuppressDuplicateVariableWarning` stops it all.
    """
    switch = next((won for name, won in winners.items() if name.lower() == _SWITCH.lower()), None)
    if switch and (switch.candidate.value or "").strip().lower() == "true":
        return
    names = sorted(_tied(winners.items()), key=str.lower)
    if not names:
        return
    shown = ", ".join(names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    yield (
        f"Several values have the same scope here: {shown}{more}. A value of the project counts"
        " before those of included sets, then the first in the list."
    )


def _tied(winners: Iterable[tuple[str, Winner]]) -> Iterator[str]:
    for name, won in winners:
        tied = [each.candidate for each in won.overruled if each.rank == won.rank]
        # Secrets are not compared: where a plan is only shown, all of them are stars.
        if any(each.is_sensitive or each.value != won.candidate.value for each in tied):
            yield name
