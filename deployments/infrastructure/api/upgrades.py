"""Upgrades of agents on the wire."""

from typing import Any

from deployments.base.errors import Invalid
from deployments.infrastructure.models import Machine, Worker
from deployments.infrastructure.services.upgrades import upgrade_of


def upgrade_resource(row: Machine | Worker) -> dict[str, Any] | None:
    """Return the last upgrade of the agent of a target or worker; null when there was none."""
    upgrade = upgrade_of(row)
    if upgrade is None:
        return None
    return {
        "Version": upgrade.version,
        "Stage": upgrade.stage,
        "Detail": upgrade.detail,
        "RequestedBy": upgrade.requested_by,
        "Requested": upgrade.requested.isoformat(),
        "Changed": upgrade.changed.isoformat(),
    }


def named_ids(body: Any, name: str) -> list[str]:
    """Return the list of ids in a body; raises Invalid."""
    ids = body.get(name) if isinstance(body, dict) else None
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        raise Invalid(fields={name: ["A list of ids is expected."]})
    return ids
