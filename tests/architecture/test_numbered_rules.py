"""Every numbered part of the rules of releases to tenants has a case whose expectation is typed.

The numbers are those of Octopus's documentation as the rules of docs/ have them: parts, and within
two of them numbered rules. What is written here is not read from the product.
"""

from typing import Final

import pytest

from tests.architecture.test_execution_rules import rows

_PARTS: Final = {
    "6.1": "a release",
    "6.2": "what a new release needs",
    "6.3": "numbers",
    "6.4": "snapshots",
    "6.5": "promotion",
    "6.6": "notes",
    "6.7": "blocking",
    "6.8": "deleting",
    "7.1": "a channel",
    "7.2": "version rules",
    "7.3": "the choice of a channel",
    "7.4": "what a channel limits",
    "7.5": "the default channel",
    "7.6": "channels that stand on their own",
    "8.1": "lifecycles and phases",
    "8.2": "implicit phases",
    "8.3": "progression",
    "8.4": "automatic phases",
    "8.5": "whose lifecycle",
    "8.6": "retention of releases",
    "8.7": "retention of packages",
    "8.8": "retention of build information",
    "8.9": "retention on targets",
    "9.1": "what a deployment is asked for with",
    "9.2": "the preview",
    "9.3": "rules of deployments",
    "9.4": "freezes",
    "9.5": "guided failure",
    "13.1": "a tenant",
    "13.2": "modes of projects",
    "13.3": "connections",
    "13.4": "targets",
    "13.5": "tag sets",
    "13.6": "values of tenants",
    "13.7": "channels for tenants",
}
# Nothing is computed there, so there is nothing for a case to expect.
_WITHOUT_CASE: Final = {"6.8": "rows go with the release that owns them"}
# The rules that are numbered within a part, in their order.
_NUMBERED: Final = {
    "6.7": {
        "a phase without a success": "P6.7-1",
        "a phase in which deployments only failed": "P6.7-2",
        "a phase with a success": "P6.7-3",
        "the first phase": "P6.7-4",
        "optional phases": "P6.7-5",
        "tenants": "P6.7-7",
    },
    "8.3": {
        "what succeeded": "P8.3-1",
        "when a phase is complete": "P8.3-2",
        "phases are opened in their order": "P8.3-3",
        "the current phase": "P8.3-4",
        "a success is sticky": "P8.3-5",
        "a defect": "P8.3-6",
        "tenants": "P8.3-7",
        "what is told of it": "P8.3-14",
    },
}


def _of(part: str) -> dict[str, str]:
    """Return what shows the rules of a part, by id."""
    return {rule: shown for rule, _, shown in rows() if rule.startswith(f"P{part}-")}


@pytest.mark.parametrize("part", _PARTS)
def test_each_part_has_a_case(part: str) -> None:
    shown = _of(part)
    assert shown, f"{_PARTS[part]} has no rules"
    assert not [rule for rule, by in shown.items() if by.startswith("missing")]
    has_case = any("[" in by for by in shown.values())
    assert has_case is (part not in _WITHOUT_CASE)


@pytest.mark.parametrize("part", _NUMBERED)
def test_each_numbered_rule_has_a_row(part: str) -> None:
    missing = [words for words, rule in _NUMBERED[part].items() if rule not in _of(part)]
    assert missing == []
    assert len(set(_NUMBERED[part].values())) == len(_NUMBERED[part])
