"""Releases that target triggers shall bring to an environment instead of the current one.

A project names them (AutoDeployReleaseOverrides); the next deployment there that is not a target
trigger's ends it.
"""

from typing import Any, Final

from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.events import record
from deployments.base.models import Event
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.projects.settings import extra_document
from deployments.releases.models import Deployment, Release
from tenants.models import Tenant

NAME: Final = "release-overrides"
LABEL: Final = "Releases for target triggers"
CATEGORIES: Final = ("DeploymentQueued",)
_KEY: Final = "AutoDeployReleaseOverrides"


def override_for(
    project: Project, environment: Environment, tenant: Tenant | None = None
) -> Release | None:
    """Return the release that target triggers shall deploy there instead of the current one."""
    for entry in _entries(project):
        if _is_about(entry, environment.public_id, tenant.public_id if tenant else ""):
            number = public_ids.parse(Release.id_prefix, str(entry.get("ReleaseId") or ""))
            rows = Release.objects.in_space(project.space).filter(project=project, pk=number or 0)
            return rows.select_related("project", "channel").first()
    return None


def end_override(event: Event, *, clock: Clock = utc_now) -> None:
    """Forget the override that a deployment replaces; joins the transaction."""
    number = public_ids.parse(Deployment.id_prefix, event.subject_id)
    if event.space is None or number is None:
        return
    rows = Deployment.objects.in_space(event.space).filter(pk=number)
    deployment = rows.select_related("project", "environment").first()
    if deployment is None or deployment.options.get("for_targets"):
        return
    project, environment = deployment.project, deployment.environment
    tenant = f"Tenants-{deployment.tenant_number}" if deployment.tenant_number else ""
    before = _entries(project)
    kept = [each for each in before if not _is_about(each, environment.public_id, tenant)]
    if kept == before:
        return
    project.extra = {**project.extra, _KEY: kept}
    project.save(update_fields=["extra"])
    record(
        actor=Actor.system("a deployment replaces the override"),
        space=event.space,
        category="Modified",
        message=f"Target triggers of {project.name} deploy what is current in {environment.name}",
        subject=project.public_id,
        related=[environment.public_id, deployment.public_id],
        before={_KEY: before},
        after={_KEY: kept},
        clock=clock,
    )


def _entries(project: Project) -> list[dict[str, Any]]:
    entries = extra_document(project.extra)[_KEY]
    return [entry for entry in entries if isinstance(entry, dict)]


def _is_about(entry: dict[str, Any], environment: str, tenant: str) -> bool:
    return (
        str(entry.get("EnvironmentId") or "") == environment
        and str(entry.get("TenantId") or "") == tenant
    )
