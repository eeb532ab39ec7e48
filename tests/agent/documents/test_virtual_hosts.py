"""Virtual hosts of nginx, by the table of cases."""

from typing import Any

import pytest

from agent.runtime.behaviours.nginx.virtual_host import BadHost, render_host
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("nginx", "hosts"), ids=case_name)
def test_hosts(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(BadHost) as raised:
            render_host(**case["given"])
        assert str(raised.value) == case["error"]
    else:
        assert render_host(**case["given"]) == case["expected"]
