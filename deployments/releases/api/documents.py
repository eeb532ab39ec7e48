"""Below projects: release templates, snapshots of processes and variables, progression, summary."""

import re
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.links import space_path
from deployments.base.errors import Invalid, NotFound
from deployments.library.models import VariableSet
from deployments.library.queries import may_view
from deployments.library.values import VariableDocument
from deployments.projects.api.ids import project_number
from deployments.projects.api.processes import steps_resource
from deployments.projects.api.projects import ProjectSerializer
from deployments.projects.api.variable_resource import no_scope_values, set_resource
from deployments.projects.models import Channel, Project
from deployments.projects.queries import process_of, project_candidates, read_process
from deployments.projects.settings import deployment_settings
from deployments.releases.api.progressions import project_progression
from deployments.releases.models import (
    Deployment,
    ProcessSnapshot,
    ReleaseSelectedPackage,
    VariableSetSnapshot,
)
from deployments.releases.queries import releases_of
from deployments.releases.services.channel_choice import resolve_channel
from deployments.releases.services.packages import NeededPackage, needed_packages
from deployments.releases.services.releases import next_number
from deployments.releases.variables import values_at_release
from deployments.server_tasks.states import TaskState

_SNAPSHOT_ID: Final = re.compile(r"(.+)-s-([0-9]{1,9})-([A-Z0-9]+)\Z", re.IGNORECASE)


class ProjectDocumentsViewSet(SpaceViewSet[Project]):
    """Documents that need releases; each is found through its project."""

    model = Project
    serializer_class = ProjectSerializer
    item_type = "Project"
    path = "projects"
    view_permission = Permission.ProjectView
    permission_map = {
        "release_template": Permission.ProcessView,
        "process_snapshot": Permission.ProcessView,
        "variable_snapshot": Permission.ProjectView,
        "library_snapshot": Permission.LibraryVariableSetView,
        "progression": Permission.ProjectView,
        "summary": Permission.ProjectView,
    }

    def release_template(self, request: Request, **ids: Any) -> Response:
        """Say which packages a new release selects and which number it would get."""
        project = self._project("deploymentprocess")
        channel = resolve_channel(project, self.query.text("channel"))
        return Response(_template(project, channel))

    def process_snapshot(self, request: Request, **ids: Any) -> Response:
        """Answer with a frozen process."""
        project = self._project("deploymentprocess")
        rows = ProcessSnapshot.objects.in_space(self.space)
        row = _snapshot(rows, str(ids["id"]))
        return Response(
            {
                "Id": row.public_id,
                "SpaceId": self.space.public_id,
                "ProjectId": project.public_id,
                "Version": row.version,
                "LastSnapshotId": None,
                "Steps": steps_resource(row.steps),
                "Links": {
                    "Self": space_path(self.space, "deploymentprocesses", row.public_id),
                    "Project": space_path(self.space, "projects", project.public_id),
                },
            }
        )

    def variable_snapshot(self, request: Request, **ids: Any) -> Response:
        """Answer with frozen variables, of which the actor may see it."""
        project = self._project("variableset")
        variable_set = project.variable_set
        if variable_set is None:
            raise NotFound
        row = _snapshot(VariableSetSnapshot.objects.in_space(self.space), str(ids["id"]))
        return Response(self._frozen(row, variable_set))

    def library_snapshot(self, request: Request, **ids: Any) -> Response:
        """Answer with frozen variables of a library set, of which the actor may see it."""
        if not self.grants.allows(Permission.LibraryVariableSetView):
            raise NotFound
        row = _snapshot(VariableSetSnapshot.objects.in_space(self.space), str(ids["id"]))
        owner = row.owner_id.partition("-")[2]
        variable_set = VariableSet(space=self.space, owner_id=owner)
        return Response(self._frozen(row, variable_set))

    def progression(self, request: Request, **ids: Any) -> Response:
        """Answer with the newest releases and where they are."""
        return Response(project_progression(self.get_object(), self.actor))

    def summary(self, request: Request, **ids: Any) -> Response:
        """Say what the project has."""
        project = self.get_object()
        done = Deployment.objects.in_space(self.space).filter(
            project=project, task__state=TaskState.SUCCESS
        )
        return Response(
            {
                "HasDeploymentProcess": bool(process_of(project).steps),
                "HasBeenSuccessfullyDeployed": done.exists(),
                "HasRunbooks": False,
            }
        )

    def _frozen(self, row: VariableSetSnapshot, variable_set: VariableSet) -> dict[str, Any]:
        documents: list[VariableDocument] = row.variables
        return set_resource(
            space_id=self.space.public_id,
            set_id=row.public_id,
            owner_id=variable_set.owner_id,
            version=row.version,
            variables=[d for d in documents if may_view(self.grants, d["scope"], variable_set)],
            scope_values=no_scope_values(),
        )

    def _project(self, kind: str) -> Project:
        owner = str(self.kwargs["id"]).lower().partition("-s-")[0]
        number = project_number(kind, owner)
        if number is None:
            raise NotFound
        self.kwargs = {**self.kwargs, "id": f"Projects-{number}"}
        return self.get_object()


def _snapshot(rows: Any, text: str) -> Any:
    match = _SNAPSHOT_ID.match(text)
    if match is None:
        raise NotFound
    owner, version, code = match.groups()
    row = rows.filter(owner_id__iexact=owner, version=int(version), code__iexact=code).first()
    if row is None:
        raise NotFound
    return row


def _template(project: Project, channel: Channel) -> dict[str, Any]:
    process = process_of(project)
    values = values_at_release(
        project_candidates(project),
        project=project.public_id,
        channel=channel.public_id,
    )
    needed = needed_packages(project.space, read_process(process), channel, values)
    last = releases_of(project).first()
    used = {
        (row.action_name, row.reference_name): row.version
        for row in ReleaseSelectedPackage.objects.filter(release=last)
    }
    settings = deployment_settings(project.settings)
    return {
        "Id": None,
        "DeploymentProcessId": process.public_id,
        "LastReleaseVersion": last.version if last else None,
        "NextVersionIncrement": None if settings.has_donor else _next(project, channel),
        "VersioningPackageStepName": settings.donor_action or None,
        "VersioningPackageReferenceName": settings.donor_reference or None,
        "Packages": [_package(need, used) for need in needed],
        "GitResources": [],
        "Links": {},
    }


def _next(project: Project, channel: Channel) -> str | None:
    try:
        return next_number(project, channel, ())
    except Invalid:
        return None


def _package(need: NeededPackage, used: dict[tuple[str, str], str]) -> dict[str, Any]:
    feed_name = need.feed.name if need.feed else None
    return {
        "StepName": need.step.name,
        "ActionName": need.action.name,
        "PackageReferenceName": need.reference.name,
        "PackageId": need.package_id,
        "FeedId": need.feed_id,
        "FeedName": feed_name,
        "NuGetPackageId": need.package_id,
        "NuGetFeedId": need.feed_id,
        "NuGetFeedName": feed_name,
        "VersionSelectedLastRelease": used.get((need.action.name, need.reference.name)),
        "IsResolvable": need.is_resolvable,
        "FixedVersion": need.reference.version,
        "ProjectName": need.project.name if need.project else None,
    }
