"""`/api/tasks`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.rules import SIGNED_IN
from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base import public_ids
from deployments.base.api.parsers import fields_of
from deployments.base.api.query import Query
from deployments.base.errors import Invalid
from deployments.server_tasks import queries
from deployments.server_tasks.api.serializers import (
    CorrectionSerializer,
    TaskSerializer,
    TaskTypeSerializer,
)
from deployments.server_tasks.kinds import all_kinds, find_kind
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import (
    abandon_task,
    cancel_task,
    correct_state,
    move_to_top,
    rerun,
)
from deployments.server_tasks.states import FINISHED, RUNNING

_NUMBERS = {
    "project": ("Projects", "project_number"),
    "environment": ("Environments", "environment_number"),
    "tenant": ("Tenants", "tenant_number"),
}


class TaskViewSet(SpaceViewSet[ServerTask]):
    """Tasks; without a space in the path, those of every space of the actor."""

    model = ServerTask
    serializer_class = TaskSerializer
    item_type = "Task"
    path = "tasks"
    name_field = ""
    spans_spaces = True
    view_permission = Permission.TaskView
    query_names: ClassVar = (
        *("skip", "take", "ids", "partialName", "name", "states", "active", "running", "project"),
        *("environment", "tenant", "node", "hasPendingInterruptions", "hasWarningsOrErrors"),
    )
    permission_map: ClassVar = {
        "list": Permission.TaskView,
        "retrieve": Permission.TaskView,
        "create": Permission.TaskCreate,
        "cancel": Permission.TaskCancel,
        "abandon": Permission.TaskCancel,
        "prioritize": Permission.TaskPrioritize,
        "state": Permission.TaskEdit,
        "rerun": Permission.TaskCreate,
        "queued_behind": Permission.TaskView,
        "types": SIGNED_IN,
    }

    def filtered(self, rows: "QuerySet[ServerTask]", query: Query) -> "QuerySet[ServerTask]":
        rows = super().filtered(rows, query)
        for name, (prefix, field) in _NUMBERS.items():
            if text := query.text(name):
                rows = rows.filter(**{field: public_ids.parse(prefix, text) or 0})
        if kind := query.text("name"):
            rows = rows.filter(kind__iexact=kind)
        if words := query.text("partialName"):
            rows = rows.filter(description__icontains=words)
        if node := query.text("node"):
            rows = rows.filter(node_name=node)
        return _flags(rows, query)

    def list(self, request: Request, **ids: Any) -> Response:
        rows = self.filtered(self.get_queryset(), self.query)
        totals = queries.totals_by_state(rows)
        if states := self.query.texts("states"):
            rows = queries.in_states(rows, states)
        return self.page(rows, TotalCounts=totals)

    def create(self, request: Request, **ids: Any) -> Response:
        """Queue a task of a kind that people may ask for by name, such as Health."""
        fields = fields_of(request.data)
        name, arguments = str(fields.get("name") or ""), fields.get("arguments") or {}
        kind = find_kind(name)
        if kind is None or kind.request is None:
            possible = [kind.name for kind in all_kinds() if kind.request is not None]
            text = f"Tasks of the kind '{name}' are not queued here; possible: {possible}."
            raise Invalid(fields={"Name": [text]})
        if not isinstance(arguments, Mapping):
            raise Invalid(fields={"Arguments": ["An object is expected."]})
        task = kind.request(
            actor=self.actor,
            space=self.space,
            arguments=arguments,
            description=str(fields.get("description") or ""),
        )
        return self.answer(task, status=201)

    def cancel(self, request: Request, **ids: Any) -> Response:
        """Cancel the task; a second time by force."""
        return self.answer(cancel_task(actor=self.actor, task=self.get_object()))

    def abandon(self, request: Request, **ids: Any) -> Response:
        """End a task that has been Cancelling for long, without any clean-up."""
        return self.answer(abandon_task(actor=self.actor, task=self.get_object()))

    def prioritize(self, request: Request, **ids: Any) -> Response:
        """Move a queued task to the top."""
        return self.answer(move_to_top(actor=self.actor, task=self.get_object()))

    def state(self, request: Request, **ids: Any) -> Response:
        """Correct how a finished task is said to have ended."""
        task = self.get_object()
        data = CorrectionSerializer(context=self.context()).read(request.data)
        corrected = correct_state(
            actor=self.actor, task=task, state=data["state"], reason=data["reason"]
        )
        return self.answer(corrected)

    def rerun(self, request: Request, **ids: Any) -> Response:
        """Queue a finished task once more; answers with the new one."""
        return self.answer(rerun(actor=self.actor, task=self.get_object()), status=201)

    def queued_behind(self, request: Request, **ids: Any) -> Response:
        """Answer with the tasks that a queued one waits for, as far as the actor sees them."""
        ahead = queries.queued_behind(self.get_object())
        return self.page(ahead.filter(pk__in=self.get_queryset().values("pk")))

    def types(self, request: Request, **ids: Any) -> Response:
        """Answer with the kinds of tasks."""
        return Response(TaskTypeSerializer(all_kinds(), many=True).data)


def _flags(rows: "QuerySet[ServerTask]", query: Query) -> "QuerySet[ServerTask]":
    active = query.flag("active")
    if active is not None:
        rows = rows.exclude(state__in=FINISHED) if active else rows.filter(state__in=FINISHED)
    if query.flag("running"):
        rows = rows.filter(state__in=RUNNING)
    for name, field in (
        ("hasPendingInterruptions", "has_pending_interruptions"),
        ("hasWarningsOrErrors", "has_warnings_or_errors"),
    ):
        wanted = query.flag(name)
        if wanted is not None:
            rows = rows.filter(**{field: wanted})
    return rows
