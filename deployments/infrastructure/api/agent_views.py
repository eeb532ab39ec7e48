"""What agents ask for over HTTPS: registration and its reverse. JSON in, JSON out."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from deployments.access.api.authentication import authenticate_request
from deployments.access.grants import load_grants
from deployments.access.spaces import default_space, space_by_id
from deployments.base.actor import Actor
from deployments.base.api.errors import describe
from deployments.base.errors import Invalid, NotAuthenticated, NotFound
from deployments.base.models import Space
from deployments.infrastructure.agent_credentials import agent_for_credential, bearer
from deployments.infrastructure.models import Agent
from deployments.infrastructure.services import registration
from deployments.infrastructure.services.registration_tokens import register_with_token
from deployments.library.tenancy import Tenancy

log = structlog.get_logger(__name__)

_LARGEST_BODY = 256 * 1024
_SERVER_ERROR = 500
View = Callable[..., HttpResponseBase]


def json_errors(view: View) -> View:
    """Answer the view's exceptions as JSON."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Exception as error:
            status, body = describe(error)
            if status >= _SERVER_ERROR:
                log.exception("an agent's request failed")
            return JsonResponse(body, status=status)

    return wrapped


def agent_of(request: HttpRequest) -> Agent:
    """Return the agent that sent the request; raises NotAuthenticated."""
    token = bearer(request.headers.get("Authorization", ""))
    agent = agent_for_credential(token) if token else None
    if agent is None:
        raise NotAuthenticated("The agent's credential is not known. Register the agent again.")
    return agent


@json_errors
def register_view(request: HttpRequest) -> HttpResponseBase:
    """POST registers with an API key or a token; DELETE deregisters with the credential."""
    if request.method == "DELETE":
        registration.deregister(agent=agent_of(request))
        return JsonResponse({})
    if request.method != "POST":
        return JsonResponse({"ErrorMessage": "Use POST or DELETE."}, status=405)
    body = _body(request)
    wish = _wish(body)
    token = bearer(request.headers.get("Authorization", ""))
    if token.startswith("TOKEN-"):
        registered = register_with_token(token=token, wish=wish)
    else:
        actor = authenticate_request(request)
        if actor is None:
            raise NotAuthenticated("Registration needs an API key or a registration token.")
        space = _space(actor, body.get("space"))
        registered = registration.register(actor=actor, space=space, wish=wish)
    return JsonResponse(
        {
            "machineId": registered.machine_id,
            "spaceId": registered.space_id,
            "gatewayUrl": registered.gateway_url,
            "gatewayThumbprint": registered.gateway_thumbprint,
            "credential": registered.credential,
        }
    )


def _body(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > _LARGEST_BODY:
        raise Invalid("The request is too large.")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise Invalid("The request is not valid JSON.") from error
    if not isinstance(body, dict):
        raise Invalid("A JSON object is expected.")
    return body


def _wish(body: dict[str, Any]) -> registration.Wish:
    policy = body.get("machinePolicy")
    return registration.Wish(
        name=str(body.get("name") or ""),
        roles=_texts(body, "roles"),
        environments=_texts(body, "environments"),
        machine_policy=str(policy) if policy else None,
        is_worker=bool(body.get("isWorker")),
        worker_pools=_texts(body, "workerPools"),
        force=bool(body.get("force")),
        tenancy=Tenancy(tenants=_texts(body, "tenants"), tags=_texts(body, "tenantTags")),
        agent_version=str(body.get("agentVersion") or ""),
    )


def _texts(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Invalid(fields={name: ["A list of texts is expected."]})
    return value


def _space(actor: Actor, name: Any) -> Space:
    """Return the space by id, slug or name; one in which the actor has no part does not exist."""
    space = default_space()
    if name:
        text = str(name)
        space = space_by_id(text) or Space.objects.filter(name__iexact=text).first()
    if space is None or load_grants(actor, space).is_empty():
        raise NotFound(f"There is no space '{name}'.")
    return space
