"""Waiting for an agent to register with a token; the same for targets and workers."""

from django.http import HttpResponse
from django.shortcuts import render

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest
from deployments.base.clock import utc_now
from deployments.base.errors import NotFound
from deployments.infrastructure.models import Machine, RegistrationToken, Worker


def waiting_page(
    request: PageRequest, token: int, *, model: type[Machine] | type[Worker], view: Permission
) -> HttpResponse:
    """Tell what registered with a token of one's own: a part of the page, or a page.

    Raises NotFound for a token of somebody else, or for the other kind.
    """
    is_worker = model is Worker
    rows = RegistrationToken.objects.filter(space=request.space, created_by=request.actor.public_id)
    row = rows.filter(pk=token, is_worker=is_worker).first()
    if row is None:
        raise NotFound
    found = None
    if row.registered:
        visible = model.objects.visible_to(request.actor, request.space, view)
        found = next((each for each in visible if each.public_id == row.registered), None)
    name = "worker" if is_worker else "target"
    values = {
        "waiting": row,
        name: found,
        "has_expired": row.used is None and row.expires < utc_now(),
    }
    part = "_" if request.headers.get("HX-Request") else ""
    return render(request, f"infrastructure/{part}{name}_waiting.html", values)
