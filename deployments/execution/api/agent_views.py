"""What agents fetch and bring over HTTPS with their credential, for their own commands only."""

import re
from collections.abc import Iterator
from urllib.parse import unquote
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from deployments.base.errors import Invalid, NotFound
from deployments.base.querysets import SpaceQuerySet
from deployments.execution.models import AgentMessage
from deployments.execution.services import artifacts
from deployments.execution.services.mailbox import open_spec
from deployments.infrastructure.api.agent_views import agent_of, json_errors
from deployments.infrastructure.models import Agent
from packages_feed.api.sending import blob_response, package_response
from packages_feed.models import FetchedPackage, PackageVersion

_RANGE = re.compile(r"bytes (?:\*|([0-9]{1,18})-[0-9]{1,18})/([0-9]{1,18})")
_PIECE = 256 * 1024
_MISSING = "No unfinished command of this agent needs this."


@json_errors
def package_view(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """GET a package by its SHA-256, only while an unfinished command of the agent names it."""
    run = run_that_needs(agent_of(request), sha256)
    version = PackageVersion.objects.in_space(run.space).filter(blob_id=sha256).first()
    if version is not None:
        return package_response(request, version)
    fetched = FetchedPackage.objects.filter(feed__space=run.space, blob_id=sha256).first()
    if fetched is None:
        raise NotFound("The package is no longer in the feed.")
    return blob_response(request, sha256, fetched.size, f"{fetched}{fetched.extension}")


def run_that_needs(agent: Agent, sha256: str) -> AgentMessage:
    """Return an unfinished run of the agent that names the package; raises NotFound."""
    runs = _unfinished_runs(agent).select_related("space").defer("sealed_body")
    run = next((message for message in runs if sha256 in message.header.get("packages", ())), None)
    if run is None:
        raise NotFound(_MISSING)
    return run


@json_errors
def spec_view(request: HttpRequest, command_id: UUID) -> HttpResponseBase:
    """GET the spec of an unfinished command that is too big for the socket."""
    message = _unfinished_runs(agent_of(request)).filter(message_id=command_id).first()
    if message is None:
        raise NotFound(_MISSING)
    response = HttpResponse(open_spec(message), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


@json_errors
def artifact_view(request: HttpRequest, command_id: UUID, number: int) -> HttpResponseBase:
    """GET how much of an artifact is here; PUT the next bytes of it.

    `Content-Range: bytes first-last/total` (`bytes */total` when no byte is missing) says what
    comes, `X-Octopus-File-Name` (percent-encoded UTF-8) what it is called.
    """
    runs = _unfinished_runs(agent_of(request)).select_related("execution")
    run = runs.filter(message_id=command_id).first()
    if run is None:
        raise NotFound(_MISSING)
    if request.method != "PUT":
        return _held(artifacts.received(run, number))
    match = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
    if match is None:
        raise Invalid("Content-Range must say which bytes of how many these are.")
    held = artifacts.receive_piece(
        run,
        number,
        name=unquote(request.headers.get("X-Octopus-File-Name", "")),
        start=int(match[1] or match[2]),
        total=int(match[2]),
        pieces=_body(request),
    )
    return _held(held)


def _held(held: artifacts.Received) -> JsonResponse:
    return JsonResponse({"received": held.size, "stored": held.is_stored})


def _body(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.read(_PIECE):
        yield piece


def _unfinished_runs(agent: Agent) -> SpaceQuerySet[AgentMessage]:
    runs = AgentMessage.objects.unscoped(reason="the built-in worker serves every space")
    return runs.filter(agent=agent, kind="run", finished=None)
