"""What agents fetch over HTTPS with their credential: packages and specs of their own commands."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from deployments.base.errors import NotFound
from deployments.base.querysets import SpaceQuerySet
from deployments.execution.models import AgentMessage
from deployments.execution.services.mailbox import open_spec
from deployments.infrastructure.api.agent_views import agent_of, json_errors
from deployments.infrastructure.models import Agent
from packages_feed.api.sending import package_response
from packages_feed.models import PackageVersion

_MISSING = "No unfinished command of this agent needs this."


@json_errors
def package_view(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """GET a package by its SHA-256, only while an unfinished command of the agent names it."""
    agent = agent_of(request)
    runs = _unfinished_runs(agent).select_related("space").defer("sealed_body")
    run = next((message for message in runs if sha256 in message.header.get("packages", ())), None)
    if run is None:
        raise NotFound(_MISSING)
    version = PackageVersion.objects.in_space(run.space).filter(blob_id=sha256).first()
    if version is None:
        raise NotFound("The package is no longer in the feed.")
    return package_response(request, version)


@json_errors
def spec_view(request: HttpRequest, command_id: UUID) -> HttpResponseBase:
    """GET the spec of an unfinished command that is too big for the socket."""
    message = _unfinished_runs(agent_of(request)).filter(message_id=command_id).first()
    if message is None:
        raise NotFound(_MISSING)
    response = HttpResponse(open_spec(message), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _unfinished_runs(agent: Agent) -> SpaceQuerySet[AgentMessage]:
    runs = AgentMessage.objects.unscoped(reason="the built-in worker serves every space")
    return runs.filter(agent=agent, kind="run", finished=None)
