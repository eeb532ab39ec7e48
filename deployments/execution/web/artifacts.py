"""The artifacts of a task: all as one file, and deleting one."""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.access.web.forms import go
from deployments.access.web.pages import PageRequest, find, page
from deployments.base import public_ids
from deployments.base.api.streamed import stream_bytes
from deployments.base.errors import NotFound
from deployments.execution.artifact_zip import zip_of
from deployments.execution.models import Artifact
from deployments.execution.services.artifacts import delete_artifact
from deployments.server_tasks.models import ServerTask


@require_GET
@page(Permission.ArtifactView)
def zip_view(request: PageRequest, task: str) -> StreamingHttpResponse:
    """Stream every artifact of the task in one zip."""
    row = find(request, ServerTask, task, Permission.TaskView)
    require_on(request.actor, row, Permission.ArtifactView)
    artifacts = Artifact.objects.in_space(request.space).filter(task=row, blob__isnull=False)
    found = list(artifacts.select_related("execution").order_by("execution__step_number", "id"))
    if not found:
        raise NotFound
    name = f'attachment; filename="{row.public_id}-artifacts.zip"'
    headers = {"Cache-Control": "no-store", "Content-Disposition": name}
    return stream_bytes(request, zip_of(found), "application/zip", headers)


@require_POST
@page(Permission.ArtifactDelete)
def delete_view(request: PageRequest, task: str, artifact: str) -> HttpResponse:
    """Delete an artifact of the task."""
    row = find(request, ServerTask, task, Permission.TaskView)
    number = public_ids.parse(Artifact.id_prefix, artifact)
    rows = Artifact.objects.in_space(request.space).select_related("task", "space")
    found = rows.filter(task=row, pk=number or 0).first()
    if found is None:
        raise NotFound
    delete_artifact(actor=request.actor, artifact=found)
    messages.success(request, f"The artifact {found.name} was deleted.")
    return go(request, f"tasks/{row.public_id}")
