"""The base of every resource's view set.

How to write a resource:

    class EnvironmentViewSet(SpaceViewSet[Environment]):
        model = Environment
        serializer_class = EnvironmentSerializer      # a SpaceResourceSerializer
        item_type = "Environment"                     # of the paging envelope
        path = "environments"                         # below the space
        permission_map = {
            "list": Permission.EnvironmentView, "all": Permission.EnvironmentView,
            "retrieve": Permission.EnvironmentView, "create": Permission.EnvironmentCreate,
            "update": Permission.EnvironmentEdit, "destroy": Permission.EnvironmentDelete,
            "sort": Permission.EnvironmentEdit,       # an action of your own
        }

        def create_row(self, data):
            return services.create_environment(actor=self.actor, space=self.space, **data)
        def update_row(self, row, data): ...          # call the service, return the row
        def destroy_row(self, row): ...
        def filtered(self, rows, query): ...          # super() filters ids, partialName, name

        def sort(self, request, **ids): ...           # has self.actor, space, grants, query

    routes = [path("environments/sortorder", EnvironmentViewSet.as_view({"put": "sort"})),
              *resource_routes(EnvironmentViewSet)]   # only the standard actions in the map

`resource_routes` maps GET path, GET path/all, GET path/<id>, POST path, PUT path/<id>,
DELETE path/<id>. An action without an entry in the map is refused (403), anonymous callers get 401.
`self.get_object()` finds `kwargs["id"]` by public id or slug among what the actor sees with
`view_permission` (404), then requires the action's permission on that row (403). `data` is the
serializer's validated data by snake_case name; the space never comes from the body. `answer(row)`
serializes one row, `page(rows)` answers with the envelope. Services check again.

A list that also answers without a space for all spaces sets `spans_spaces = True`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from django.db import models
from django.db.models import QuerySet
from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from deployments.access.grants import Grants, load_grants
from deployments.access.holders import holders_in, holders_sentence
from deployments.access.identity import WrongCredential, actor_of_request, default_space_of
from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.access.rules import Rule
from deployments.access.spaces import space_by_id, visible_spaces
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.api import paging
from deployments.base.api.links import space_path, system_path
from deployments.base.api.parsers import AnyJsonParser
from deployments.base.api.query import Query
from deployments.base.api.serializers import ResourceSerializer
from deployments.base.errors import NotAuthenticated, NotFound, NotPermitted
from deployments.base.models import Space, SpaceOwned

M = TypeVar("M", bound=models.Model)
S = TypeVar("S", bound=SpaceOwned)

_OVERRIDES = {"PUT", "DELETE", "PATCH"}


class ApiViewSet(ViewSet):
    """Authenticates, checks the action's permission, answers in the wire's forms."""

    permission_map: ClassVar[Mapping[str, Permission | Rule]] = {}
    parser_classes = [AnyJsonParser]

    actor: Actor
    grants: Grants
    space: Space | None
    query: Query

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        override = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and override in _OVERRIDES:
            request.method = override
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not self.action:  # no such method here: Django REST framework answers 405
            return
        self.query = Query(request.GET)
        rule = self.permission_map.get(self.action)
        if rule is None:
            raise NotPermitted(f"of the action {self.action}")
        self.actor = self._who(request, rule)
        self.resolve(rule)
        if isinstance(rule, Permission):
            self.check(rule)

    def handle_exception(self, exc: Exception) -> Response:
        """Say whom to ask for a missing permission, to those who may see teams."""
        space: Space | None = getattr(self, "space", None)
        if isinstance(exc, NotPermitted) and space and self.grants.allows(Permission.TeamView):
            teams = holders_in(space).anywhere(exc.permission)
            exc.message = f"{exc.message} {holders_sentence(teams)}" if teams else exc.message
        return super().handle_exception(exc)

    def resolve(self, rule: Permission | Rule) -> None:
        """Set `space` and `grants`."""
        self.space = None
        self.grants = load_grants(self.actor, None)

    def check(self, permission: Permission) -> None:
        """Refuse the action when the actor lacks the permission altogether."""
        if not self.grants.allows_anywhere(permission):
            raise NotPermitted(permission)

    def _who(self, request: Request, rule: Permission | Rule) -> Actor:
        try:
            actor = actor_of_request(request._request)  # noqa: SLF001 Django's public name
        except WrongCredential:
            if rule is not Rule.ANONYMOUS:
                raise
            actor = None
        if actor is None and rule is not Rule.ANONYMOUS:
            raise NotAuthenticated
        return actor or Actor(None, "anonymous", "Anonymous", "Session")


class ResourceViewSet(ApiViewSet, Generic[M]):
    """The standard actions over rows of one model; the subclasses say which rows."""

    model: type[M]
    serializer_class: type[ResourceSerializer]
    item_type: ClassVar[str]
    path: ClassVar[str]
    name_field: ClassVar[str] = "name"
    slug_field: ClassVar[str] = ""
    query_names: ClassVar[tuple[str, ...]] = paging.STANDARD_NAMES

    def get_queryset(self) -> "QuerySet[M]":
        """Return every row that the actor may see."""
        raise TypeError(f"{type(self).__name__} says not which rows it has.")

    def filtered(self, rows: "QuerySet[M]", query: Query) -> "QuerySet[M]":
        """Return the rows that the query asks for: ids, partialName, name."""
        if ids := query.texts("ids"):
            rows = rows.filter(pk__in=self.numbers(ids))
        if self.name_field:
            text = query.text("partialName") or query.text("name")
            rows = paging.by_name(rows, text, field=self.name_field)
        return rows

    def numbers(self, ids: list[str]) -> list[int]:
        """Return the row numbers in a list of public ids; unknown ones are skipped."""
        parsed = (public_ids.parse(self.prefix, text) for text in ids)
        return [number for number in parsed if number is not None]

    @property
    def prefix(self) -> str:
        return str(self.model.id_prefix)  # type: ignore[attr-defined]  # all models here have one

    def find(self, rows: "QuerySet[M]", text: str) -> M | None:
        """Return the row by public id or, where the model has one, by slug."""
        number = public_ids.parse(self.prefix, text)
        if number is not None:
            return rows.filter(pk=number).first()
        slug_field = self.slug_field or ("slug" if _has_field(self.model, "slug") else "")
        return rows.filter(**{slug_field: text.lower()}).first() if slug_field else None

    def get_object(self) -> M:
        """Return the row of the path; raises NotFound, then NotPermitted."""
        row = self.find(self.get_queryset(), str(self.kwargs["id"]))
        if row is None:
            raise NotFound
        rule = self.permission_map.get(self.action or "")
        if isinstance(rule, Permission):
            self.require_on(row, rule)
        return row

    def require_on(self, row: M, permission: Permission) -> None:
        """Raise NotPermitted unless the actor holds the permission on the row."""

    def base_path(self) -> str:
        return system_path(self.path)

    def answer(self, row: M, status: int = 200) -> Response:
        """Answer with one row."""
        return Response(self.serialized([row])[0], status=status)

    def serialized(self, rows: Any) -> list[dict[str, Any]]:
        serializer = self.serializer_class(rows, many=True, context=self.context())
        return list(serializer.data)

    def context(self) -> dict[str, Any]:
        """Return what serializers may read: view, actor, space, grants, query."""
        return {
            "view": self,
            "request": self.request,
            "actor": self.actor,
            "space": self.space,
            "grants": self.grants,
            "query": self.query,
        }

    def page(self, rows: "QuerySet[M]", **extra: Any) -> Response:
        """Answer with one page of the rows; `extra` adds properties to the envelope."""
        page = paging.cut(rows, self.query)
        return Response(
            paging.envelope(
                page,
                self.serialized(page.rows),
                item_type=self.item_type,
                path=self.base_path(),
                query=self.query,
                names=self.query_names,
                extra=extra,
            )
        )

    def read(self, row: M | None = None) -> dict[str, Any]:
        """Return the body's validated values; raises Invalid."""
        serializer = self.serializer_class(instance=row, context=self.context())
        return serializer.read(self.request.data)

    def list(self, request: Request, **ids: Any) -> Response:
        return self.page(self.filtered(self.get_queryset(), self.query))

    def all(self, request: Request, **ids: Any) -> Response:
        return Response(self.serialized(self.filtered(self.get_queryset(), self.query)))

    def retrieve(self, request: Request, **ids: Any) -> Response:
        return self.answer(self.get_object())

    def create(self, request: Request, **ids: Any) -> Response:
        return self.answer(self.create_row(self.read()), status=201)

    def update(self, request: Request, **ids: Any) -> Response:
        row = self.get_object()
        return self.answer(self.update_row(row, self.read(row)))

    def destroy(self, request: Request, **ids: Any) -> Response:
        self.destroy_row(self.get_object())
        return Response({})

    def create_row(self, data: dict[str, Any]) -> M:
        """Call the service that creates; override."""
        raise TypeError(f"{type(self).__name__} does not create.")

    def update_row(self, row: M, data: dict[str, Any]) -> M:
        """Call the service that changes; override."""
        raise TypeError(f"{type(self).__name__} does not update.")

    def destroy_row(self, row: M) -> None:
        """Call the service that deletes; override."""
        raise TypeError(f"{type(self).__name__} does not delete.")


class SystemViewSet(ResourceViewSet[M]):
    """Rows of the server itself (users, roles, spaces): give `get_queryset`."""

    def require_on(self, row: M, permission: Permission) -> None:
        self.grants.require_system(permission)


class SpaceViewSet(ResourceViewSet[S]):
    """Rows of one space."""

    view_permission: ClassVar[Permission | None] = None
    spans_spaces: ClassVar[bool] = False
    space: Space  # with `spans_spaces`, the default space until get_object() found a row

    def resolve(self, rule: Permission | Rule) -> None:
        wanted = self.kwargs.get("space")
        space = space_by_id(wanted) if wanted else default_space_of(self.request)
        if space is None:
            raise NotFound
        self.space = space
        self.grants = load_grants(self.actor, space)
        if self.grants.is_empty() and rule is not Rule.ANONYMOUS and not self._spans():
            raise NotFound

    def check(self, permission: Permission) -> None:
        if self.grants.allows_anywhere(permission) or self.action in {"list", "all"}:
            return  # lists show what may be seen, be it nothing
        if "id" not in self.kwargs:
            raise NotPermitted(permission)
        self.get_object()  # 404 comes before 403; over all spaces the row's own space decides

    def get_queryset(self) -> "QuerySet[S]":
        permission = self.seeing()
        if not self._spans():
            return self.model.objects.visible_to(self.actor, self.space, permission)
        return rows_of_all_spaces(self.model, self.actor, permission)

    def get_object(self) -> S:
        row = super().get_object()
        if self._spans():
            self.space = row.space
            self.grants = load_grants(self.actor, row.space)
        return row

    def require_on(self, row: S, permission: Permission) -> None:
        if permission != self.seeing():
            require_on(self.actor, row, permission)

    def seeing(self) -> Permission:
        """Return the permission by which rows are visible: `view_permission` or that of reading."""
        for rule in (self.view_permission, *map(self.permission_map.get, ("retrieve", "list"))):
            if isinstance(rule, Permission):
                return rule
        raise TypeError(f"{type(self).__name__} needs view_permission.")

    def base_path(self) -> str:
        return system_path(self.path) if self._spans() else space_path(self.space, self.path)

    def _spans(self) -> bool:
        return self.spans_spaces and not self.kwargs.get("space")


def rows_of_all_spaces(model: type[S], actor: Actor, permission: Permission) -> "QuerySet[S]":
    """Return the rows that the actor may see with the permission, whatever their space."""
    mine = models.Q(pk__in=[])
    for space in visible_spaces(actor):
        mine |= models.Q(space=space) & load_grants(actor, space).q(permission, model)
    return model.objects.unscoped(reason="a list over all spaces").filter(mine)


def resource_routes(view: type[ResourceViewSet[Any]]) -> list[URLPattern]:
    """Return the standard routes for those standard actions that the permission map names."""
    collection = _chosen(view, {"get": "list", "post": "create"})
    single = _chosen(view, {"get": "retrieve", "put": "update", "delete": "destroy"})
    routes = []
    if collection:
        routes.append(path(view.path, view.as_view(collection), name=f"{view.path}"))
    if "all" in view.permission_map:
        routes.append(path(f"{view.path}/all", view.as_view({"get": "all"})))
    if single:
        routes.append(path(f"{view.path}/<str:id>", view.as_view(single)))
    return routes


def _chosen(view: type[ApiViewSet], actions: dict[str, str]) -> dict[str, Any]:
    return {verb: name for verb, name in actions.items() if name in view.permission_map}


def _has_field(model: type[models.Model], name: str) -> bool:
    return any(field.name == name for field in model._meta.get_fields())  # noqa: SLF001 Django's public name
