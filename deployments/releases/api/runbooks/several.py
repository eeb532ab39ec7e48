"""Running a runbook in several environments and for several tenants: all of them or none."""

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import flag, text, texts
from deployments.base.errors import Invalid, NotFound
from deployments.base.finding import find
from deployments.infrastructure.models import Environment
from deployments.projects.models import Runbook
from deployments.releases.api.create_release import named_project
from deployments.releases.api.deploy_release import (
    NamedChoicesSerializer,
    named_environments,
    named_machines,
    named_options,
    named_tenants,
)
from deployments.releases.api.deployments import ChoicesSerializer, choices_of
from deployments.releases.api.runbooks.runbooks import runbook_named
from deployments.releases.api.runbooks.runs import runbook_run_resource, visible_runbooks
from deployments.releases.models import RunbookRun, RunbookSnapshot
from deployments.releases.queries import find_snapshot, published_snapshot, snapshots_of
from deployments.releases.services.several import Place, create_runbook_runs
from tenants.models import Tenant


class RunRunbookSerializer(NamedChoicesSerializer):
    runbook_name = text()
    snapshot = text()
    force_package_redeployment = flag()


class RunRunbookViewSet(SpaceViewSet[RunbookRun]):
    """`runbook-runs/create/v1`: by names, all of them or none."""

    model = RunbookRun
    serializer_class = RunRunbookSerializer
    item_type = "RunbookRun"
    path = "runbook-runs"
    view_permission = Permission.RunbookRunView
    permission_map = {"create": Permission.RunbookRunCreate}

    def create(self, request: Request, **ids: Any) -> Response:
        """Run in every environment named, for every tenant named or without one."""
        data = self.read()
        project = named_project(self, data["project_name"])
        runbook = runbook_named(
            visible_runbooks(self).filter(project=project), data["runbook_name"]
        )
        snapshot = _snapshot(runbook, data["snapshot"])
        environments = named_environments(self, data)
        tenants = named_tenants(self, project, environments, data)
        if data["tenant_tags"] and not tenants:
            raise Invalid(fields={"Tenants": ["No tenant with these tags is connected there."]})
        only = named_machines(self, data["specific_machine_names"])
        without = named_machines(self, data["excluded_machine_names"])
        created = create_runbook_runs(
            actor=self.actor,
            runbook=runbook,
            snapshot=snapshot,
            places=_places(environments, tenants),
            options=lambda place: named_options(data, snapshot, place.environment, only, without),
        )
        return Response(
            {
                "RunbookRunServerTasks": [
                    {"RunbookRunId": row.public_id, "ServerTaskId": f"ServerTasks-{row.task_id}"}
                    for row in created
                ]
            },
            status=201,
        )


class RunSeveralSerializer(ChoicesSerializer):
    environment_ids = texts()
    tenant_ids = texts()
    tenant_tag_names = texts()
    runbook_snapshot_name_or_id = text()


class RunSeveralViewSet(SpaceViewSet[RunbookRun]):
    """`runbooks/{id}/run`: by ids; answers with the runs."""

    model = RunbookRun
    serializer_class = RunSeveralSerializer
    item_type = "RunbookRun"
    path = "runbooks"
    view_permission = Permission.RunbookRunView
    permission_map = {"create": Permission.RunbookRunCreate}

    def create(self, request: Request, **ids: Any) -> Response:
        """Run in every environment, for every tenant that is meant or without one."""
        data = self.read()
        runbook = find(visible_runbooks(self), self.kwargs["runbook"])
        if runbook is None:
            raise NotFound
        one = [data["environment_id"]] if data["environment_id"] else []
        tenant = [data["tenant_id"]] if data["tenant_id"] else []
        named = {
            "environment_names": [*data["environment_ids"], *one],
            "environment_name": "",
            "tenants": [*data["tenant_ids"], *tenant],
            "tenant_tags": data["tenant_tag_names"],
        }
        environments = named_environments(self, named)
        tenants = named_tenants(self, runbook.project, environments, named)
        if named["tenant_tags"] and not tenants:
            raise Invalid(fields={"TenantTagNames": ["No tenant with these tags is connected."]})
        options = choices_of(data)
        created = create_runbook_runs(
            actor=self.actor,
            runbook=runbook,
            snapshot=_snapshot(runbook, data["runbook_snapshot_name_or_id"]),
            places=_places(environments, tenants),
            options=lambda _: options,
        )
        return Response([runbook_run_resource(row) for row in created], status=201)


def _places(environments: Sequence[Environment], tenants: Sequence[Tenant]) -> list[Place]:
    whom: list[Tenant | None] = [*tenants] or [None]
    return [Place(environment, tenant) for environment in environments for tenant in whom]


def _snapshot(runbook: Runbook, wanted: str) -> RunbookSnapshot:
    row = find_snapshot(snapshots_of(runbook), wanted) if wanted else published_snapshot(runbook)
    if row is None:
        words = (
            f"The runbook '{runbook.name}' has no snapshot '{wanted}'."
            if wanted
            else f"The runbook '{runbook.name}' has no published snapshot. Publish one, or name"
            " the snapshot to run."
        )
        raise Invalid(fields={"Snapshot": [words]})
    return row
