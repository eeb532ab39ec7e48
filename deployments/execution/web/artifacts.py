"""The artifacts of a task: all as one file, adding one, and deleting one."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.access.web.forms import REFUSED, attempt, go, place, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base import public_ids
from deployments.base.api.streamed import stream_bytes
from deployments.base.errors import Invalid, NotFound
from deployments.execution.artifact_zip import zip_of
from deployments.execution.models import Artifact
from deployments.execution.services.artifacts import (
    LARGEST,
    add_artifact,
    delete_artifact,
    store_content,
)
from deployments.server_tasks.models import ServerTask
from packages_feed.ingest import Spool, spool_stream
from packages_feed.storage import package_storage


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


@require_http_methods(["GET", "POST"])
@page(Permission.ArtifactCreate)
def add_view(request: PageRequest, task: str) -> HttpResponse:
    """Add a file to the task; an upload with a progress bar is answered in JSON."""
    row = find(request, ServerTask, task, Permission.TaskView)
    require_on(request.actor, row, Permission.ArtifactCreate)
    if request.method == "GET":
        return show(request, "execution/artifact_add.html", {"task": row})
    artifact, problems = attempt(lambda: _store(request, row))
    wants_json = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    if artifact is None:
        if wants_json:
            return JsonResponse({"errors": list(problems.errors)}, status=REFUSED)
        return show(request, "execution/artifact_add.html", {"task": row}, problems)
    messages.success(request, f"The artifact {artifact.name} was added.")
    path = f"tasks/{row.public_id}"
    return JsonResponse({"url": place(request, path)}) if wants_json else go(request, path)


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


def _store(request: PageRequest, task: ServerTask) -> Artifact:
    file = request.FILES.get("file")
    if file is None:
        raise Invalid(fields={"file": ["Choose a file."]})
    name = request.POST.get("name", "").strip() or file.name or ""
    with Spool(package_storage().spool_folder, limit=LARGEST, what="artifact") as spool:
        spooled = spool_stream(spool, file.chunks())
        artifact = add_artifact(actor=request.actor, task=task, name=name)
        store_content(actor=request.actor, artifact=artifact, file=spooled)
    return artifact
