"""Every page of the portal by a name, and its address in a server with the sample's data."""

from typing import Any
from urllib.parse import quote

from tests.support.server import OctopusServer

_SPACE = "/app/Spaces-1"

# Name -> whether it is looked at on a phone as well.
PAGES = {
    "dashboard": True,
    "dashboard-configure": False,
    "search": False,
    "project": True,
    "releases": False,
    "release": True,
    "release-create": True,
    "release-compare": False,
    "release-block": False,
    "release-snapshot": False,
    "try-version": True,
    "deploy": True,
    "tasks": True,
    "task-failed": True,
    "task-running": True,
    "task-succeeded": False,
    "task-question": True,
    "task-guided": True,
    "task-waiting": True,
    "targets": True,
    "target": True,
    "target-add": True,
    "environments": False,
    "environment": False,
    "workers": False,
    "worker": False,
    "worker-add": False,
    "worker-pool": False,
    "projects": True,
    "project-new": False,
    "project-groups": False,
    "lifecycles": True,
    "lifecycle-new": True,
    "lifecycle-try": False,
    "process": True,
    "step-catalogue": False,
    "step-package": True,
    "step-script": False,
    "step-manual": False,
    "step-email": False,
    "step-http": False,
    "step-release": False,
    "step-health": False,
    "step-transfer": False,
    "variables": True,
    "variable-add": True,
    "channels": False,
    "channel": False,
    "channel-new": True,
    "triggers": True,
    "trigger": True,
    "trigger-schedule": True,
    "trigger-targets": False,
    "trigger-packages": False,
    "project-settings": False,
    "tenants": True,
    "tenant": False,
    "tenant-deployments": True,
    "tenant-new": False,
    "tenant-settings": False,
    "tenant-variables": True,
    "tenant-connect": False,
    "tag-sets": False,
    "tag-set": False,
    "variable-templates": False,
    "deploy-tenant": True,
    "deploy-several": True,
    "deploy-several-tenants": True,
    "packages": True,
    "package": False,
    "package-upload": False,
    "users": False,
    "user": False,
    "teams": False,
    "roles": False,
    "audit": True,
    "retention": True,
    "insights": True,
    "timeline": True,
    "outgoing": False,
    "profile": False,
    "api-keys": False,
}


def find_addresses(server: OctopusServer) -> dict[str, str]:
    """Return the address of each page."""
    return {**_FIXED, **_of_tasks(server)}


_CHECKOUT = f"{_SPACE}/projects/checkout-api"
_WEB = f"{_SPACE}/projects/storefront-web"
_PLACES = f"{_SPACE}/infrastructure"
_FIXED = {
    "dashboard": f"{_SPACE}/dashboard",
    "dashboard-configure": f"{_SPACE}/dashboard/configure",
    "search": f"{_SPACE}/search?q=we",
    "project": _CHECKOUT,
    "releases": f"{_CHECKOUT}/releases",
    "release": f"{_CHECKOUT}/releases/4.13.0",
    "release-create": f"{_CHECKOUT}/releases/create",
    "release-compare": f"{_CHECKOUT}/releases/compare?from=4.12.0&to=now",
    "release-snapshot": f"{_CHECKOUT}/releases/4.13.0/snapshot",
    "release-block": f"{_CHECKOUT}/releases/4.13.0/block",
    "try-version": f"{_CHECKOUT}/try-version?version=4.14.0-beta.1&done=Environments-1",
    "deploy": f"{_WEB}/releases/7.3.0/deploy?environment=production",
    "tasks": f"{_SPACE}/tasks",
    "targets": f"{_PLACES}/targets",
    "target": f"{_PLACES}/targets/Machines-1",
    "target-add": f"{_PLACES}/targets/add",
    "environments": f"{_PLACES}/environments",
    "environment": f"{_PLACES}/environments/Environments-1",
    "workers": f"{_PLACES}/workers",
    "worker": f"{_PLACES}/workers/Workers-1",
    "worker-add": f"{_PLACES}/workers/add",
    "worker-pool": f"{_PLACES}/pools/WorkerPools-1",
    "projects": f"{_SPACE}/projects",
    "project-new": f"{_SPACE}/projects/new",
    "project-groups": f"{_SPACE}/projects/groups",
    "lifecycles": f"{_SPACE}/projects/lifecycles",
    "lifecycle-try": f"{_SPACE}/projects/lifecycles/Lifecycles-2/try?done=Environments-1",
    "lifecycle-new": f"{_SPACE}/projects/lifecycles/new",
    "process": f"{_WEB}/process",
    "step-catalogue": f"{_WEB}/process/add",
    "step-package": f"{_WEB}/process?type=Octopus.TentaclePackage",
    "step-script": f"{_WEB}/process?type=Octopus.Script",
    "step-manual": f"{_WEB}/process?type=Octopus.Manual",
    "step-email": f"{_WEB}/process?type=Octopus.Email",
    "step-http": f"{_WEB}/process?type=Octopus.HttpRequest",
    "step-release": f"{_WEB}/process?type=Octopus.DeployRelease",
    "step-health": f"{_WEB}/process?type=Octopus.HealthCheck",
    "step-transfer": f"{_WEB}/process?type=Octopus.TransferPackage",
    "variables": f"{_WEB}/variables?environment=Environments-4&target=Machines-5",
    "variable-add": f"{_WEB}/variables?add=",
    "channels": f"{_WEB}/channels",
    "channel": f"{_CHECKOUT}/channels/early-access",
    "channel-new": f"{_WEB}/channels/new",
    "triggers": f"{_WEB}/triggers",
    "trigger": f"{_WEB}/triggers/ProjectTriggers-1",
    "trigger-schedule": f"{_WEB}/triggers/new?kind=schedule",
    "trigger-targets": f"{_WEB}/triggers/new?kind=targets",
    "trigger-packages": f"{_WEB}/triggers/new?kind=packages",
    "project-settings": f"{_WEB}/settings",
    "tenants": f"{_SPACE}/tenants",
    "tenant": f"{_SPACE}/tenants/aarhus",
    "tenant-deployments": f"{_SPACE}/tenants/aarhus/deployments",
    "tenant-new": f"{_SPACE}/tenants/new",
    "tenant-settings": f"{_SPACE}/tenants/aarhus/settings",
    "tenant-variables": f"{_SPACE}/tenants/eger/variables",
    "tenant-connect": f"{_SPACE}/tenants/aarhus/connect?project=branch-portal",
    "tag-sets": f"{_SPACE}/tenants/tag-sets",
    "tag-set": f"{_SPACE}/tenants/tag-sets/ring",
    "variable-templates": f"{_SPACE}/projects/branch-portal/variables/templates",
    "deploy-tenant": f"{_SPACE}/projects/branch-portal/releases/1.4.0/deploy?tenant=aarhus",
    "deploy-several": f"{_WEB}/releases/7.3.0/deploy/several?environment=staging",
    "deploy-several-tenants": f"{_SPACE}/projects/branch-portal/releases/1.4.0/deploy/several"
    "?environment=test&environment=production&tenant_tag=Ring/Early&tenant=eger",
    "packages": f"{_SPACE}/packages",
    "package": f"{_SPACE}/packages/Storefront.Web",
    "package-upload": f"{_SPACE}/packages/upload",
    "users": f"{_SPACE}/administration/users",
    "user": f"{_SPACE}/administration/users/Users-1",
    "teams": f"{_SPACE}/administration/teams",
    "roles": f"{_SPACE}/administration/roles",
    "audit": f"{_SPACE}/administration/audit",
    "retention": f"{_SPACE}/administration/retention?project=checkout-api",
    "insights": f"{_SPACE}/insights",
    "timeline": f"{_CHECKOUT}/environments/production",
    "outgoing": f"{_SPACE}/administration/outgoing",
    "profile": "/app/account",
    "api-keys": "/app/account/api-keys",
}


def _of_tasks(server: OctopusServer) -> dict[str, str]:
    def first(state: str) -> str:
        found: Any = server.call("GET", f"/api/Spaces-1/tasks?states={state}&take=30")
        ids = [row["Id"] for row in found["Items"] if not row["HasPendingInterruptions"]]
        return f"{_SPACE}/tasks/{ids[0]}"

    def named(text: str) -> str:
        query = f"partialName={quote(text)}&active=true"
        found: Any = server.call("GET", f"/api/Spaces-1/tasks?{query}")
        return f"{_SPACE}/tasks/{found['Items'][0]['Id']}"

    return {
        "task-failed": first("Failed"),
        "task-running": named("Payments Gateway release 3.6.0"),
        "task-succeeded": first("Success"),
        "task-question": named("Price Approval"),
        "task-guided": named("Edge Proxy release 2026.4.0"),
        "task-waiting": named("Identity Service release 9.1.0 to Production"),
    }
