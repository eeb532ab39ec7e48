"""How long releases, files on targets and runs of runbooks are kept: policies; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

STRATEGIES: Final = ("Default", "Forever", "Count")
UNITS: Final = ("Days", "Items")
_MOST: Final = 100_000


class InvalidRetention(ValueError):
    """A policy is not one."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """What is kept; `quantity` counts days or items, 0 keeps everything."""

    quantity: int = 0
    unit: str = "Items"

    @property
    def keeps_everything(self) -> bool:
        return not self.quantity

    @property
    def words(self) -> str:
        """Say it to a person."""
        return self.words_for("release")

    def words_for(self, thing: str) -> str:
        """Say it to a person; `thing` is what items are, in the singular."""
        if self.keeps_everything:
            return "everything"
        unit = "day" if self.unit == "Days" else thing
        return f"{self.quantity} {unit}{'' if self.quantity == 1 else 's'}"


KEEP_EVERYTHING: Final = RetentionPolicy()


@dataclass(frozen=True, slots=True)
class Inherited:
    """The policy that a phase follows; `source` is the phase that has it, empty: the lifecycle."""

    policy: RetentionPolicy
    source: str = ""


def policy_from_json(
    document: Mapping[str, Any] | None, default: RetentionPolicy = KEEP_EVERYTHING
) -> RetentionPolicy:
    """Read a policy in one of the wire's shapes; none keeps everything. Raises InvalidRetention.

    `default` is what the space says, for the strategy Default.
    """
    if not document:
        return KEEP_EVERYTHING
    strategy, unit = document.get("Strategy"), document.get("Unit") or "Items"
    quantity = document.get("QuantityToKeep") or 0
    if strategy is not None and strategy not in STRATEGIES:
        raise InvalidRetention(f"Strategy must be one of {', '.join(STRATEGIES)}.")
    if unit not in UNITS:
        raise InvalidRetention(f"Unit must be one of {', '.join(UNITS)}.")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 0 <= quantity <= _MOST:
        raise InvalidRetention(f"QuantityToKeep must be a number from 0 to {_MOST}.")
    if strategy == "Count" and not quantity:
        raise InvalidRetention("QuantityToKeep must be at least 1.")
    if strategy == "Default":
        return default
    keeps = bool(document.get("ShouldKeepForever")) if strategy is None else strategy != "Count"
    return KEEP_EVERYTHING if keeps else RetentionPolicy(quantity, unit)


def stored_policy(
    document: Mapping[str, Any] | None, default: RetentionPolicy = KEEP_EVERYTHING
) -> RetentionPolicy:
    """Read a policy that was stored before policies were checked: a wrong one keeps everything."""
    try:
        return policy_from_json(document, default)
    except InvalidRetention:
        return KEEP_EVERYTHING


def policies_of_phases(
    phases: Sequence[tuple[str, Mapping[str, Any] | None]],
    lifecycle: Mapping[str, Any] | None,
    default: RetentionPolicy = KEEP_EVERYTHING,
) -> list[Inherited]:
    """Return what each phase (its name and own policy) follows.

    A phase without one takes that of the nearest phase before it that has one, else the
    lifecycle's.
    """
    current = Inherited(stored_policy(lifecycle, default))
    found = []
    for name, own in phases:
        if own:
            current = Inherited(stored_policy(own, default), name)
        found.append(current)
    return found


def policy_to_json(policy: RetentionPolicy) -> dict[str, Any]:
    """Return the wire's form."""
    return {
        "Strategy": "Forever" if policy.keeps_everything else "Count",
        "Unit": policy.unit,
        "QuantityToKeep": policy.quantity,
        "ShouldKeepForever": policy.keeps_everything,
    }
