"""`artifacts`: what scripts handed over, as JSON and as files."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import MomentField
from deployments.base.api.links import space_path
from deployments.base.api.query import Query
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.execution.api.views import regarding
from deployments.execution.models import Artifact
from deployments.execution.services.artifacts import delete_artifact
from packages_feed.api.sending import blob_response


class ArtifactSerializer(SpaceResourceSerializer):
    """A file with where it came from."""

    filename = serializers.CharField(source="name", read_only=True)
    source = serializers.CharField(  # type: ignore[assignment]  # the wire's name for it
        source="execution.target_name", read_only=True
    )
    server_task_id = serializers.CharField(source="task.public_id", read_only=True)
    created = MomentField(read_only=True)
    length = serializers.IntegerField(source="size", read_only=True)
    log_correlation_id = serializers.SerializerMethodField()

    def get_log_correlation_id(self, row: Artifact) -> str:
        return f"{row.task.public_id}_{row.execution_id}"

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
        "destroy": Permission.ArtifactDelete,
    }

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
        return blob_response(request._request, row.blob_id, row.size, row.name)  # noqa: SLF001 Django's own request

    def destroy_row(self, row: Artifact) -> None:
        delete_artifact(actor=self.actor, artifact=row)
