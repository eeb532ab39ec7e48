"""Pages of the portal: each names its permission; the decorator finds space and actor.

    @page(Permission.ProjectView)
    def project_list(request: PageRequest) -> HttpResponse: ...

`request.actor`, `request.space` and `request.grants` are set. An anonymous visitor is sent to the
sign-in page; a space that the actor may not see does not exist. `find` looks a row up among what
the actor may see (404), `require_on` of deployments.access.policy asks for more (403).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from deployments.access.grants import Grants, load_grants
from deployments.access.permissions import Permission
from deployments.access.rules import Rule
from deployments.access.spaces import default_space, space_by_id
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.errors import NotAuthenticated, NotFound, NotPermitted
from deployments.base.models import Space, SpaceOwned

S = TypeVar("S", bound=SpaceOwned)


class PageRequest(HttpRequest):
    """A request of somebody who is signed in, about one space."""

    actor: Actor
    space: Space
    grants: Grants


class View(Protocol):
    """A page's view function."""

    def __call__(self, request: Any, **kwargs: Any) -> HttpResponseBase: ...


def page(permission: Permission | Rule) -> Callable[[Callable[..., HttpResponseBase]], View]:
    """Guard a view of one space; the URL has `<space:space>`."""

    def decorate(view: Callable[..., HttpResponseBase]) -> View:
        @wraps(view)
        def guarded(request: Any, **kwargs: Any) -> HttpResponseBase:
            actor = request.actor
            if not actor:
                raise NotAuthenticated
            name = kwargs.pop("space", None)
            space = space_by_id(name) if name else default_space()
            if space is None:
                raise NotFound
            request.space = space
            request.grants = load_grants(actor, space)
            if request.grants.is_empty():
                raise NotFound
            if isinstance(permission, Permission) and not request.grants.allows_anywhere(
                permission
            ):
                raise NotPermitted(permission)
            return view(request, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the enumerating test
        return guarded

    return decorate


def find(request: PageRequest, model: type[S], text: str, permission: Permission) -> S:
    """Return the row by public id or slug among what the actor may see; raises NotFound."""
    rows = model.objects.visible_to(request.actor, request.space, permission)
    number = public_ids.parse(model.id_prefix, text)
    if number is not None:
        row = rows.filter(pk=number).first()
    elif any(field.name == "slug" for field in model._meta.get_fields()):  # noqa: SLF001
        row = rows.filter(slug=text.lower()).first()
    else:
        row = None
    if row is None:
        raise NotFound
    return row
