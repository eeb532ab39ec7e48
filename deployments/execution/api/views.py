"""`tasks/{id}/details`, `/raw` and `/logs/search`, and `interruptions`."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.models import User
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.query import Query
from deployments.base.api.streamed import stream_text
from deployments.base.errors import NotFound
from deployments.execution.api.activity import MOST_LINES, activity_tree
from deployments.execution.api.search import search_answer
from deployments.execution.api.serializers import (
    AnswerSerializer,
    InterruptionSerializer,
    responsible_user,
)
from deployments.execution.logs.raw import raw_log
from deployments.execution.models import Interruption
from deployments.execution.services import interruptions
from deployments.server_tasks.api.serializers import TaskSerializer
from deployments.server_tasks.models import ServerTask


class TaskLogViewSet(SpaceViewSet[ServerTask]):
    """The log of a task."""

    model = ServerTask
    serializer_class = TaskSerializer
    item_type = "Task"
    path = "tasks"
    spans_spaces = True
    view_permission = Permission.TaskView
    permission_map: ClassVar = {
        "details": Permission.TaskView,
        "raw": Permission.TaskView,
        "search": Permission.TaskView,
    }

    def details(self, request: Request, **ids: Any) -> Response:
        """Answer with the activity tree; `tail` limits the lines of each node."""
        task = self.get_object()
        verbose = self.query.flag("verbose", default=True) is not False
        tail = self.query.number("tail", MOST_LINES) or MOST_LINES
        tree = activity_tree(task, tail=tail, verbose=verbose)
        resource = self.serialized([task])[0]
        return Response({**tree, "Task": resource, "Links": resource["Links"]})

    def raw(self, request: Request, **ids: Any) -> StreamingHttpResponse:
        """Stream the log as text; `node` limits it to one execution."""
        node = self.query.number("node", 0)
        return stream_text(request._request, raw_log(self.get_object(), node=node))  # noqa: SLF001 Django's own request

    def search(self, request: Request, **ids: Any) -> Response:
        """Answer with lines that contain `q`, and with where to go on."""
        return Response(search_answer(self.get_object(), self.query))


class InterruptionViewSet(SpaceViewSet[Interruption]):
    """What waits for people, and their answers."""

    model = Interruption
    serializer_class = InterruptionSerializer
    item_type = "Interruption"
    path = "interruptions"
    name_field = ""
    spans_spaces = True
    view_permission = Permission.InterruptionView
    query_names: ClassVar = ("skip", "take", "regarding", "pendingOnly", "ids")
    permission_map: ClassVar = {
        "list": Permission.InterruptionView,
        "retrieve": Permission.InterruptionView,
        "submit": Permission.InterruptionView,
        "responsible": Permission.InterruptionView,
        "take_responsibility": Permission.InterruptionView,
    }

    def get_queryset(self) -> "QuerySet[Interruption]":
        return super().get_queryset().select_related("task", "execution", "space")

    def filtered(self, rows: "QuerySet[Interruption]", query: Query) -> "QuerySet[Interruption]":
        rows = super().filtered(rows, query)
        if query.flag("pendingOnly"):
            rows = rows.filter(is_pending=True)
        if document := query.text("regarding"):
            rows = rows.filter(**regarding(document))
        return rows

    def submit(self, request: Request, **ids: Any) -> Response:
        """Answer the interruption; the service decides who may."""
        row = self.get_object()
        answer = AnswerSerializer(context=self.context()).read(request.data)
        return self.answer(
            interruptions.submit(
                actor=self.actor,
                interruption=row,
                result=answer["result"],
                notes=answer["notes"] or "",
            )
        )

    def responsible(self, request: Request, **ids: Any) -> Response:
        """Answer with the user who has taken responsibility."""
        row = self.get_object()
        number = public_ids.parse("Users", row.responsible_user_id) or 0
        user = User.objects.filter(pk=number).first()
        if user is None:
            raise NotFound
        return Response(responsible_user(user))

    def take_responsibility(self, request: Request, **ids: Any) -> Response:
        """Make the actor responsible."""
        row = interruptions.take_responsibility(actor=self.actor, interruption=self.get_object())
        number = public_ids.parse("Users", row.responsible_user_id) or 0
        user = User.objects.filter(pk=number).first()
        return Response(responsible_user(user) if user else {})


def regarding(document: str) -> dict[str, Any]:
    """Return what finds the rows about a document among those that have a task."""
    prefix, _, number = document.partition("-")
    fields = {
        "servertasks": "task_id",
        "projects": "task__project_number",
        "environments": "task__environment_number",
        "deployments": "task__deployment",
        "releases": "task__deployment__release_id",
    }
    field = fields.get(prefix.lower())
    if field is None or not number.isdecimal():
        return {"pk__in": []}
    return {field: int(number)}
