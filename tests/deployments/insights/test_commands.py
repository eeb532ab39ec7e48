"""What people type into the search to do something, against the table of cases."""

from typing import Any

import pytest

from deployments.insights.commands import parse_command
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("commands", "commands"), ids=case_name)
def test_commands(case: dict[str, Any]) -> None:
    command = parse_command(case["text"])
    assert (command and str(command.verb)) == case["verb"]
    readings = command.readings if command else ()
    assert [[each.subject, each.place] for each in readings] == case["readings"]
