"""Counts of deployment targets per environment."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from deployments.infrastructure.models import Environment, Machine
from deployments.infrastructure.models.machine import HealthStatus
from deployments.infrastructure.queries import environment_numbers


def environments_summary(
    environments: Sequence[Environment],
    resources: Sequence[dict[str, Any]],
    machines: Sequence[Machine],
) -> dict[str, Any]:
    """Return the totals and those of each environment; `resources` are the environments' JSON."""
    places = environment_numbers(machines)
    by_environment: dict[int, list[Machine]] = {row.pk: [] for row in environments}
    for machine in machines:
        for number in places[machine.pk]:
            if number in by_environment:
                by_environment[number].append(machine)
    counted = {machine.pk: machine for rows in by_environment.values() for machine in rows}
    return {
        **_totals(counted.values()),
        "EnvironmentSummaries": [
            {"Environment": resource, **_totals(by_environment[row.pk])}
            for row, resource in zip(environments, resources, strict=True)
        ],
    }


def _totals(machines: Iterable[Machine]) -> dict[str, Any]:
    rows = list(machines)
    enabled = [row for row in rows if not row.is_disabled]
    health = Counter(row.health_status for row in enabled)
    styles = Counter(str(row.endpoint.get("CommunicationStyle", "None")) for row in rows)
    return {
        "TotalMachines": len(rows),
        "TotalDisabledMachines": len(rows) - len(enabled),
        "MachineHealthStatusSummaries": {str(s): health.get(s, 0) for s in HealthStatus.values},
        "MachineEndpointSummaries": dict(styles),
        "MachineIdsForCalamariUpgrade": [],
        "MachineIdsForTentacleUpgrade": [],
        "TentacleUpgradesRequired": False,
    }
