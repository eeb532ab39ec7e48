"""Which channel a release goes to when nobody named one; pure.

The default channel takes it unless its rules refuse a version that was asked for. Then it is the
channel that takes all of them and whose rules are about most of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.projects.version_rules import VersionRule
from deployments.releases.channel_rules import (
    BrokenRule,
    PackageChoice,
    broken_rules,
    rule_for,
)


class AmbiguousChannel(ValueError):
    """Several channels would take the release alike; `names` are theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = tuple(names)


@dataclass(frozen=True, slots=True)
class ChannelCandidate:
    """A channel with the versions that were asked for among the packages of its steps."""

    name: str
    is_default: bool
    rules: tuple[VersionRule, ...]
    choices: tuple[PackageChoice, ...]

    @property
    def broken(self) -> tuple[BrokenRule, ...]:
        """The versions that its rules refuse."""
        return broken_rules(self.rules, self.choices)

    @property
    def bound(self) -> int:
        """How many of the versions its rules are about."""
        return sum(
            rule_for(self.rules, choice.action_name, choice.reference_name) is not None
            for choice in self.choices
        )


def best_channel(candidates: Sequence[ChannelCandidate]) -> ChannelCandidate:
    """Return the channel; the default one when none takes the versions, to say why not.

    Raises AmbiguousChannel.
    """
    default = next(candidate for candidate in candidates if candidate.is_default)
    if not default.broken:
        return default
    fitting = [candidate for candidate in candidates if not candidate.broken]
    most = max((candidate.bound for candidate in fitting), default=0)
    best = [candidate for candidate in fitting if candidate.bound == most]
    if len(best) > 1:
        raise AmbiguousChannel([candidate.name for candidate in best])
    return best[0] if best else default
