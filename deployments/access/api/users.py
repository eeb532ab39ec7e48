"""`/api/users` and what hangs below a user."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access import queries, services
from deployments.access.api.permission_sets import permission_set
from deployments.access.api.serializers import (
    ApiKeySerializer,
    LoginSerializer,
    SpaceSerializer,
    TeamSerializer,
    UserSerializer,
)
from deployments.access.api.viewsets import SystemViewSet
from deployments.access.effective import as_csv, held_by
from deployments.access.models import ApiKey, Team, User
from deployments.access.permissions import Permission
from deployments.access.rules import ANONYMOUS, SIGNED_IN
from deployments.access.services.browser_sessions import end_sessions
from deployments.access.sessions import sign_in, sign_out
from deployments.access.spaces import visible_spaces
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.api.paging import cut, envelope
from deployments.base.api.query import Query
from deployments.base.errors import Invalid, NotFound


class UserViewSet(SystemViewSet[User]):
    """People and service accounts."""

    model = User
    serializer_class = UserSerializer
    item_type = "User"
    path = "users"
    name_field = ""
    slug_field = "username"
    query_names = ("skip", "take", "ids", "filter")
    permission_map: ClassVar = {
        "list": SIGNED_IN,
        "all": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "create": Permission.UserEdit,
        "update": SIGNED_IN,  # one's own profile; the service asks for UserEdit otherwise
        "destroy": Permission.UserEdit,
        "me": SIGNED_IN,
        "login": ANONYMOUS,
        "logout": ANONYMOUS,
        "spaces": SIGNED_IN,
        "teams": SIGNED_IN,
        "permissions": SIGNED_IN,
        "export": SIGNED_IN,
        "revoke_sessions": SIGNED_IN,
    }

    def get_queryset(self) -> QuerySet[User]:
        rows = queries.users_visible_to(self.actor)
        return rows.prefetch_related("external_logins__provider")

    def filtered(self, rows: QuerySet[User], query: Query) -> QuerySet[User]:
        text = query.text("filter") or query.text("partialName")
        rows = queries.matching_users(rows, text)
        return super().filtered(rows, query)

    def create_row(self, data: dict[str, Any]) -> User:
        return services.create_user(actor=self.actor, **data)

    def update_row(self, row: User, data: dict[str, Any]) -> User:
        data.pop("is_service")
        return services.update_user(actor=self.actor, user=row, **data)

    def destroy_row(self, row: User) -> None:
        services.delete_user(actor=self.actor, user=row)

    def me(self, request: Request, **ids: Any) -> Response:
        return self.answer(User.objects.get(pk=self.actor.user_id or 0))

    def login(self, request: Request, **ids: Any) -> Response:
        data = LoginSerializer().read(request.data)
        user = sign_in(
            request._request,  # noqa: SLF001 sessions are Django's
            username=data["username"],
            password=data["password"],
            remember=data["remember_me"],
            code=data["code"],
        )
        self.actor = Actor(user.pk, user.username, user.display_name, "Session")
        return self.answer(user)

    def logout(self, request: Request, **ids: Any) -> Response:
        sign_out(request._request)  # noqa: SLF001 Django's public name
        return Response({})

    def spaces(self, request: Request, **ids: Any) -> Response:
        rows = visible_spaces(_as_actor(self.get_object()))
        mine = visible_spaces(self.actor)
        shown = rows.filter(pk__in=mine.order_by().values("pk"))
        return Response(SpaceSerializer(shown, many=True, context=self.context()).data)

    def teams(self, request: Request, **ids: Any) -> Response:
        user = self.get_object()
        rows = Team.objects.filter(Q(users=user) | Q(everyone=True)).distinct()
        if user.pk != self.actor.user_id:
            seen = queries.teams_visible_to(self.actor).prefetch_related(None).order_by()
            rows = rows.filter(pk__in=seen.values("pk"))
        rows = rows.prefetch_related("users", "external_groups__provider")
        return Response(TeamSerializer(rows, many=True, context=self.context()).data)

    def permissions(self, request: Request, **ids: Any) -> Response:
        return Response(permission_set(self.actor, _as_actor(self.get_object())))

    def export(self, request: Request, **ids: Any) -> HttpResponse:
        rows = held_by(self.actor, self.get_object(), *visible_spaces(self.actor))
        return HttpResponse(as_csv(rows), content_type="text/csv; charset=utf-8")

    def revoke_sessions(self, request: Request, **ids: Any) -> Response:
        end_sessions(actor=self.actor, user=self.get_object())
        return Response({})


class ApiKeyViewSet(SystemViewSet[ApiKey]):
    """The keys of one user; a new key's text is in the answer to POST and nowhere else."""

    model = ApiKey
    serializer_class = ApiKeySerializer
    item_type = "ApiKey"
    path = "apikeys"
    permission_map: ClassVar = {
        "list": SIGNED_IN,
        "create": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "destroy": SIGNED_IN,
    }

    def owner(self) -> User:
        """Return the user of the path: oneself, or with UserEdit anybody."""
        rows = queries.users_visible_to(self.actor)
        found = UserViewSet.find(_users(self), rows, str(self.kwargs["user"]))
        if found is None:
            raise NotFound
        if found.pk != self.actor.user_id:
            self.grants.require_system(Permission.UserEdit)
        return found

    def get_queryset(self) -> QuerySet[ApiKey]:
        return ApiKey.objects.filter(user=self.owner()).select_related("user")

    def find(self, rows: QuerySet[ApiKey], text: str) -> ApiKey | None:
        number = public_ids.parse("apikeys", text)
        return rows.filter(pk=number).first() if number is not None else None

    def list(self, request: Request, **ids: Any) -> Response:
        page = cut(self.get_queryset(), self.query)
        return Response(
            envelope(
                page,
                self.serialized(page.rows),
                item_type=self.item_type,
                path=f"/api/users/{self.owner().public_id}/apikeys",
                query=self.query,
                names=("skip", "take"),
            )
        )

    def create(self, request: Request, **ids: Any) -> Response:
        data = self.read()
        created = services.create_api_key(
            actor=self.actor, user=self.owner(), purpose=data["purpose"], expires=data["expires"]
        )
        body = self.serialized([created.row])[0]
        return Response({**body, "ApiKey": created.key.reveal()}, status=201)

    def destroy_row(self, row: ApiKey) -> None:
        services.revoke_api_key(actor=self.actor, api_key=row)


def _users(view: ApiKeyViewSet) -> UserViewSet:
    users = UserViewSet()
    users.actor = view.actor
    return users


def _as_actor(user: User) -> Actor:
    if not user.is_active:
        raise Invalid("The user is not active.")
    return Actor(user.pk, user.username, user.display_name, "Session")
