"""The system report: what somebody who helps needs to know, without any secret."""

import io
import json
import zipfile
from dataclasses import asdict
from typing import Any, Final

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.base.actor import Actor
from deployments.base.clock import utc_now
from deployments.base.models import ServerSetting
from deployments.server_tasks.models import ServerNode
from deployments.server_tasks.queries import is_offline, running_on_nodes
from octopus_site.backup.writing import last_backup
from octopus_site.health import run_checks
from octopus_site.server.information import information
from octopus_site.server.licences import licences
from octopus_site.server.own_logs import masked, own_logs, tail_of

# Settings whose values say nothing about people, places or passwords.
_SHOWN: Final = ("tasks.", "logs.", "server.maintenance", "http_request.")


def system_report(*, actor: Actor) -> bytes:
    """Return a ZIP of facts, checks, nodes, packages and the ends of logs."""
    require_system(actor, Permission.AdministerSystem)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _documents().items():
            text = json.dumps(content, indent=1, default=str)
            archive.writestr(name, masked(text))
        for log in own_logs():
            archive.writestr(f"logs/{log.name}.log", "\n".join(tail_of(log.name)))
    return buffer.getvalue()


def _documents() -> dict[str, Any]:
    applied = MigrationRecorder(connection).applied_migrations()
    backup = last_backup()
    return {
        "information.json": asdict(information()),
        "checks.json": [asdict(check) for check in run_checks()],
        "nodes.json": _nodes(),
        "migrations.json": sorted(f"{app}.{name}" for app, name in applied),
        "packages.json": [f"{each.name} {each.version}" for each in licences()],
        "backup.json": asdict(backup) if backup else None,
        "settings.json": {
            row.key: row.value if row.key.startswith(_SHOWN) else "(not shown)"
            for row in ServerSetting.objects.order_by("key")
        },
    }


def _nodes() -> list[dict[str, Any]]:
    running, now = running_on_nodes(), utc_now()
    return [
        {
            "name": node.name,
            "version": node.version,
            "started": node.started,
            "last_seen": node.last_seen,
            "is_offline": is_offline(node, now),
            "is_draining": node.is_draining,
            "task_cap": node.task_cap,
            "running": running.get(node.name, 0),
        }
        for node in ServerNode.objects.all()
    ]
