"""Defects of a release on the wire: listed, reported, resolved."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import text
from deployments.base.api.paging import cut, envelope
from deployments.base.api.serializers import ResourceSerializer
from deployments.releases.models import Defect, Release
from deployments.releases.queries import defects_of
from deployments.releases.services.defects import report_defect, resolve_defect


class DefectSerializer(ResourceSerializer):
    description = text()


class DefectViewSet(SpaceViewSet[Release]):
    """What blocks or blocked the release of the path."""

    model = Release
    serializer_class = DefectSerializer
    item_type = "Defect"
    path = "releases"
    name_field = ""
    view_permission = Permission.ReleaseView
    permission_map: ClassVar = {
        "defects": Permission.ReleaseView,
        "report": Permission.DefectReport,
        "resolve_one": Permission.DefectResolve,
    }

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("project", "channel", "space")

    def defects(self, request: Request, **ids: Any) -> Response:
        """List all of them, newest first."""
        release = self.get_object()
        page = cut(defects_of(release), self.query)
        return Response(
            envelope(
                page,
                [defect_resource(row) for row in page.rows],
                item_type=self.item_type,
                path=f"{self.base_path()}/{release.public_id}/defects",
                query=self.query,
            )
        )

    def report(self, request: Request, **ids: Any) -> Response:
        """Block the progression."""
        release = self.get_object()
        row = report_defect(
            actor=self.actor, release=release, description=self.read()["description"]
        )
        return Response(defect_resource(row))

    def resolve_one(self, request: Request, **ids: Any) -> Response:
        """Unblock the progression."""
        row = resolve_defect(actor=self.actor, release=self.get_object())
        return Response(defect_resource(row))


def defect_resource(row: Defect) -> dict[str, Any]:
    """Return a defect."""
    return {
        "Id": row.public_id,
        "ReleaseId": f"Releases-{row.release_id}",
        "Description": row.description,
        "Status": row.status,
        "Links": {},
    }
