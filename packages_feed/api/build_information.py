"""Build information on the wire."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import text
from deployments.base.api.names import pascal_case
from deployments.base.api.query import Query
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.errors import Invalid
from packages_feed.api.serializers import build_information_resource
from packages_feed.models import BuildInformation
from packages_feed.queries import newest_of_each
from packages_feed.services import (
    Outcome,
    delete_build_information,
    push_build_information,
)

_MOST_BULK = 1000


class CommitSerializer(ResourceSerializer):
    id = text()
    comment = text()


class StorySerializer(ResourceSerializer):
    build_environment = text(allow_null=True)
    build_number = text(allow_null=True)
    build_url = text(allow_null=True)
    branch = text(allow_null=True)
    vcs_type = text(allow_null=True)
    vcs_root = text(allow_null=True)
    vcs_commit_number = text(allow_null=True)
    commits = serializers.ListField(child=CommitSerializer(), default=list)


class BuildInformationSerializer(ResourceSerializer):
    package_id = serializers.CharField(max_length=200)
    version = serializers.CharField(max_length=350)
    octopus_build_information = StorySerializer()
    overwrite_mode = text()

    def to_representation(self, instance: BuildInformation) -> dict[str, Any]:
        return build_information_resource(instance)


class BuildInformationViewSet(SpaceViewSet[BuildInformation]):
    """What build servers told about versions, whether or not the package is there."""

    model = BuildInformation
    serializer_class = BuildInformationSerializer
    item_type = "OctopusPackageVersionBuildInformation"
    path = "build-information"
    name_field = ""
    query_names = ("packageId", "filter", "latest", "skip", "take", "ids")
    view_permission = Permission.FeedView
    permission_map: ClassVar = {
        "list": Permission.FeedView,
        "retrieve": Permission.FeedView,
        "create": Permission.BuildInformationPush,
        "destroy": Permission.BuildInformationAdminister,
        "destroy_many": Permission.BuildInformationAdminister,
    }

    def filtered(
        self, rows: "QuerySet[BuildInformation]", query: Query
    ) -> "QuerySet[BuildInformation]":
        rows = super().filtered(rows, query)
        if package_id := query.text("packageId"):
            rows = rows.filter(id_lower=package_id.lower())
        if part := query.text("filter"):
            rows = rows.filter(id_lower__contains=part.lower())
        if query.flag("latest"):
            everything = BuildInformation.objects.in_space(self.space)
            return newest_of_each(rows, everything)  # type: ignore[arg-type]  # rows are of the space
        return rows

    def create(self, request: Request, **ids: Any) -> Response:
        data = self.read()
        story = data["octopus_build_information"]
        row, outcome = push_build_information(
            actor=self.actor,
            space=self.space,
            package_id=data["package_id"],
            version=data["version"],
            document={pascal_case(name): value for name, value in story.items()}
            | {"Commits": [_commit(each) for each in story["commits"]]},
            # The CLI names the mode in the body, all others in the query.
            overwrite_mode=self.query.text("overwriteMode") or data["overwrite_mode"],
        )
        return self.answer(row, 200 if outcome is Outcome.IGNORED else 201)

    def destroy_row(self, row: BuildInformation) -> None:
        delete_build_information(actor=self.actor, row=row)

    def destroy_many(self, request: Request, **ids: Any) -> Response:
        """Delete the named ones; unknown ones are skipped."""
        wanted = self.query.texts("ids")
        if len(wanted) > _MOST_BULK:
            raise Invalid(f"At most {_MOST_BULK} can be deleted at once.")
        for row in self.get_queryset().filter(pk__in=self.numbers(wanted)):
            self.destroy_row(row)
        return Response({})


def _commit(commit: dict[str, Any]) -> dict[str, Any]:
    return {pascal_case(name): value for name, value in commit.items()}
