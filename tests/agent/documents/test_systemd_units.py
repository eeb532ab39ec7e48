"""Units of systemd and their environments, by the tables of cases."""

from typing import Any

import pytest

from agent.runtime.behaviours.systemd.unit import (
    BadService,
    Service,
    render_environment,
    render_unit,
    service_name,
)
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("systemd", "units"), ids=case_name)
def test_units(case: dict[str, Any]) -> None:
    given = case["given"] | {"lines": tuple(case["given"].get("lines", ()))}
    if "error" in case:
        with pytest.raises(BadService) as raised:
            render_unit(Service(**given))
        assert str(raised.value) == case["error"]
    else:
        assert render_unit(Service(**given)) == case["expected"]


@pytest.mark.parametrize("case", cases("systemd", "environments"), ids=case_name)
def test_environments(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(BadService) as raised:
            render_environment(case["lines"])
        assert str(raised.value) == case["error"]
    else:
        assert render_environment(case["lines"]) == case["expected"]


def test_names() -> None:
    assert service_name(" shop-api@1.service ") == "shop-api@1"
    for name in ("", "a/b", "-a", "a b", "x" * 201):
        with pytest.raises(BadService):
            service_name(name)
