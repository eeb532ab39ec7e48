"""`artifacts`: what scripts handed over and people added, as JSON and as files."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.fields import MomentField
from deployments.base.api.links import space_path
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.errors import Invalid, NotFound
from deployments.execution.api.views import regarding
from deployments.execution.models import Artifact
from deployments.execution.services.artifacts import (
    LARGEST,
    add_artifact,
    delete_artifact,
    rename_artifact,
    store_content,
)
from deployments.server_tasks.models import ServerTask
from packages_feed.api.receiving import received_file
from packages_feed.api.sending import blob_response
from packages_feed.ingest import TooLarge
from packages_feed.storage import StorageFailed


class ArtifactSerializer(SpaceResourceSerializer):
    """A file with where it came from."""

    filename = serializers.CharField(source="name", max_length=1000)
    source = serializers.CharField(  # type: ignore[assignment]  # the wire's name for it
        source="origin", max_length=1000, required=False, allow_blank=True
    )
    server_task_id = serializers.CharField(source="task.public_id", required=False)
    created = MomentField(read_only=True)
    length = serializers.IntegerField(source="size", read_only=True)
    log_correlation_id = serializers.SerializerMethodField()

    def get_log_correlation_id(self, row: Artifact) -> str:
        execution = row.execution_id
        return row.task.public_id if execution is None else f"{row.task.public_id}_{execution}"

    def get_links(self, row: Artifact) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "artifacts", row.public_id)
        return {"Self": path, "Content": f"{path}/content"}


class ArtifactViewSet(SpaceViewSet[Artifact]):
    """The artifacts of the deployments that the actor may see."""

    model = Artifact
    serializer_class = ArtifactSerializer
    item_type = "Artifact"
    path = "artifacts"
    spans_spaces = True
    view_permission = Permission.ArtifactView
    query_names: ClassVar = ("skip", "take", "regarding", "ids", "partialName", "order")
    permission_map: ClassVar = {
        "list": Permission.ArtifactView,
        "retrieve": Permission.ArtifactView,
        "content": Permission.ArtifactView,
        "create": Permission.ArtifactCreate,
        "update": Permission.ArtifactEdit,
        # The service asks for ArtifactEdit where bytes are replaced.
        "store": Permission.ArtifactCreate,
        "destroy": Permission.ArtifactDelete,
    }

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, TooLarge):
            return Response({"ErrorMessage": exc.message, "Errors": [exc.message]}, status=413)
        if isinstance(exc, StorageFailed):
            return Response({"ErrorMessage": str(exc)}, status=503)
        return super().handle_exception(exc)

    def get_queryset(self) -> "QuerySet[Artifact]":
        rows = super().get_queryset().select_related("task", "execution", "space")
        return rows.order_by("id" if self.query.text("order") == "asc" else "-id")

    def filtered(self, rows: "QuerySet[Artifact]", query: Query) -> "QuerySet[Artifact]":
        rows = super().filtered(rows, query)
        if document := query.text("regarding"):
            rows = rows.filter(**regarding(document))
        return rows

    def content(self, request: Request, **ids: Any) -> HttpResponseBase:
        """Answer with the file; one range at a time."""
        row = self.get_object()
        if row.blob_id is None:
            raise NotFound("The file of this artifact was not sent yet.")
        asked = request._request  # noqa: SLF001 Django's own request
        return blob_response(asked, row.blob_id, row.size, row.name, may_redirect=True)

    def store(self, request: Request, **ids: Any) -> Response:
        """Keep the file of the request as the artifact's."""
        row = self.get_object()
        with received_file(request._request, limit=LARGEST, what="artifact") as received:  # noqa: SLF001 before any parser
            store_content(actor=self.actor, artifact=row, file=received.upload)
        return self.answer(row)

    def create_row(self, data: dict[str, Any]) -> Artifact:
        wanted = data.get("task", {}).get("public_id", "")
        tasks = ServerTask.objects.visible_to(self.actor, self.space, Permission.TaskView)
        task = tasks.filter(pk=public_ids.parse(ServerTask.id_prefix, wanted) or 0).first()
        if task is None:
            raise Invalid(fields={"ServerTaskId": ["There is no such task in this space."]})
        return add_artifact(
            actor=self.actor, task=task, name=data["name"], source=data.get("origin", "")
        )

    def update_row(self, row: Artifact, data: dict[str, Any]) -> Artifact:
        return rename_artifact(actor=self.actor, artifact=row, name=data["name"])

    def destroy_row(self, row: Artifact) -> None:
        delete_artifact(actor=self.actor, artifact=row)
