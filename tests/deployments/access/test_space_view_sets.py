"""The view set of spaces' rows, on server tasks: visibility, refusals, all spaces at once."""

from typing import Any, ClassVar

import pytest
from django.urls import path
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet, resource_routes
from deployments.access.permissions import Permission
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.clock import utc_now
from deployments.base.models import Space
from deployments.server_tasks.models import ServerTask
from octopus_site.api.mounting import any_case, below
from octopus_site.middleware.errors import not_found
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class ThingSerializer(SpaceResourceSerializer):
    def get_links(self, row: ServerTask) -> dict[str, str]:
        return {"Self": f"/api/things/{row.public_id}"}


class ThingViewSet(SpaceViewSet[ServerTask]):
    model = ServerTask
    serializer_class = ThingSerializer
    item_type = "Thing"
    path = "things"
    name_field = "description"
    permission_map: ClassVar = {
        "list": Permission.TaskView,
        "retrieve": Permission.TaskView,
        "destroy": Permission.TaskEdit,
        "cancel": Permission.TaskCancel,
    }

    def cancel(self, request: Any, **ids: Any) -> Response:
        return self.answer(self.get_object())

    def careless(self, request: Any, **ids: Any) -> Response:
        return Response({})

    def destroy_row(self, row: ServerTask) -> None:
        row.delete()


class SpanningViewSet(ThingViewSet):
    path = "spanning"
    spans_spaces = True


_ROUTES = any_case(
    [
        path("things/<str:id>/cancel", ThingViewSet.as_view({"post": "cancel"})),
        path("things/<str:id>/careless", ThingViewSet.as_view({"post": "careless"})),
        path("spanning/<str:id>/cancel", SpanningViewSet.as_view({"post": "cancel"})),
        *resource_routes(ThingViewSet),
        *resource_routes(SpanningViewSet),
    ]
)
urlpatterns = [below("api/<space:space>/", _ROUTES), below("api/", _ROUTES)]
handler404 = not_found


def make_thing(space: Space, **values: Any) -> ServerTask:
    return ServerTask.objects.create(
        space=space,
        kind="Deploy",
        description="x",
        queued=utc_now(),
        last_updated=utc_now(),
        **values,
    )


def ids(answer: Any) -> set[str]:
    return {row["Id"] for row in answer.json()["Items"]}


def test_rows_of_another_space_do_not_exist() -> None:
    here, there = default_space(), make_space()
    mine, other = make_thing(here), make_thing(there)
    ana = make_ana()
    assert ids(ana.api.get(f"/api/{here.public_id}/things")) == {mine.public_id}
    assert ids(ana.api.get("/api/things")) == {mine.public_id}
    for where in (f"/api/{here.public_id}/things", "/api/things", "/api/Spaces-999999999/things"):
        assert ana.api.get(f"{where}/{other.public_id}").status_code == 404
        assert ana.api.post(f"{where}/{other.public_id}/cancel").status_code == 404
        assert ana.api.delete(f"{where}/{other.public_id}").status_code == 404
    assert ServerTask.objects.in_space(there).count() == 1


def test_a_space_without_rights_does_not_exist() -> None:
    dan = make_dan(make_space())
    assert dan.api.get(f"/api/{default_space().public_id}/things").status_code == 404


def test_seen_but_not_allowed_is_403_by_name_and_unseen_is_404() -> None:
    space = default_space()
    staging, production = (
        make_thing(space, environment_number=1),
        make_thing(space, environment_number=2),
    )
    ben, cleo = make_ben(space, "Environments-1"), make_cleo(space)
    assert ids(ben.api.get("/api/things")) == {staging.public_id}
    assert ben.api.post(f"/api/things/{staging.public_id}/cancel").status_code == 200
    assert ben.api.post(f"/api/things/{production.public_id}/cancel").status_code == 404
    refused = cleo.api.post(f"/api/things/{staging.public_id}/cancel")
    assert refused.status_code == 403
    assert "TaskCancel" in refused.json()["ErrorMessage"]
    assert cleo.api.post("/api/things/ServerTasks-999999999/cancel").status_code == 404


def test_an_action_without_a_rule_is_refused() -> None:
    thing = make_thing(default_space())
    assert make_ana().api.post(f"/api/things/{thing.public_id}/careless").status_code == 403


def test_a_list_over_all_spaces_shows_what_may_be_seen_in_each() -> None:
    here, there = default_space(), make_space()
    mine, other = make_thing(here), make_thing(there)
    ana, dan = make_ana(), make_dan(there)
    assert ids(dan.api.get("/api/spanning")) == {other.public_id}
    assert ids(ana.api.get("/api/spanning")) == {mine.public_id}
    assert dan.api.post(f"/api/spanning/{other.public_id}/cancel").status_code == 200
    assert dan.api.post(f"/api/spanning/{mine.public_id}/cancel").status_code == 404
    assert dan.api.delete(f"/api/spanning/{other.public_id}").status_code == 200


def test_links_of_pages_name_the_space_and_repeat_the_filters() -> None:
    space = default_space()
    for _ in range(3):
        make_thing(space)
    body = make_ana().api.get("/api/things?take=2&partialName=X").json()
    expected = f"/api/{space.public_id}/things?skip=2&take=2&partialname=X"
    assert body["Links"]["Page.Next"] == body["Links"]["Page.Last"] == expected
