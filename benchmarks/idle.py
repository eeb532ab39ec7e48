"""What an idle agent costs the gateway: its memory with as many TLS connections as may be."""

import sys
import time

from benchmarks.lab import open_lab, resident
from benchmarks.results import Section
from benchmarks.virtual_agents import fleet_process

_AGENTS, _SHORT_AGENTS = 5000, 200
_FIRST = 100
_KB_EACH = 60.0
_CONNECT_WITHIN = 70.0
# Every agent has been pinged once by then.
_SETTLE = 12.0


def run(*, short: bool) -> Section:
    """Connect all and compare the gateway's memory with that for the first few."""
    agents = _SHORT_AGENTS if short else _AGENTS
    section = Section()
    with open_lab() as lab:
        from benchmarks.seeding import add_virtual_machines, gateway_pin  # noqa: PLC0415 Django

        environment = lab.make_environment("Idle")
        credentials = add_virtual_machines(environment, agents, ["idle"])
        url = f"wss://127.0.0.1:{lab.supervisor.configuration.gateway_port}"
        with fleet_process(url, gateway_pin(), credentials) as fleet:
            fleet.start(_FIRST)
            fleet.wait_for("connected", _FIRST, within=_CONNECT_WITHIN)
            time.sleep(2)
            before = resident(lab.pid("gateway"))
            fleet.start(agents - _FIRST)
            began = time.monotonic()
            try:
                fleet.wait_for("connected", agents, within=_CONNECT_WITHIN)
            except TimeoutError as error:
                print(f"  {error}", file=sys.stderr)
            took = time.monotonic() - began
            time.sleep(_SETTLE)
            after = resident(lab.pid("gateway"))
            seen = fleet.statistics()
    each = (after - before) / max(1, seen.connected - _FIRST) / 1024
    section.add(
        f"gateway memory for each of {seen.connected} idle agents", each, "KB", at_most=_KB_EACH
    )
    section.add("agents that connect in a second", (seen.connected - _FIRST) / took, "")
    section.add("connections lost meanwhile", seen.drops, at_most=0.5)
    return section
