"""Patches that agents fetch instead of whole packages, for their own commands only."""

import json
import re
from collections.abc import Collection
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from agent.patches import deflate_mark, gzip_mark
from deployments.base.errors import Invalid, NotFound
from deployments.execution.api.agent_views import run_that_needs
from deployments.infrastructure.api.agent_views import agent_of, json_errors
from deployments.infrastructure.models import Agent
from packages_feed.api.sending import blob_response
from packages_feed.patches import FILES, ZSTD
from packages_feed.services.patches import Coming, find_patch, offer_patch

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LARGEST_BODY: Final = 64 * 1024
_MOST: Final = 500


@json_errors
def offer_view(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """POST what packages the agent has, `have`, and which patches were damaged, `refused`.

    `forms` is there when the agent found that it can apply fewer than it has announced.
    200 names a patch, 202 says that one is being made, 204 that the package must come whole.
    """
    if request.method != "POST":
        return JsonResponse({"ErrorMessage": "Use POST."}, status=405)
    agent = agent_of(request)
    run = run_that_needs(agent, sha256)
    body = _body_of(request)
    have, refused = _hashes(body, "have"), _hashes(body, "refused")
    form = _form_for(agent, _forms(body))
    offer = None
    if form is not None:
        offer = offer_patch(
            run.space,
            sha256,
            have=have,
            form=form,
            with_gzip=_packs_as_gzip(agent),
            refused=refused,
        )
    if offer is None:
        return HttpResponse(status=204)
    if isinstance(offer, Coming):
        return JsonResponse({"coming": True}, status=202)
    return JsonResponse(
        {"base": offer.base, "patch": offer.patch, "size": offer.size, "form": offer.form}
    )


@json_errors
def patch_view(request: HttpRequest, sha256: str, patch: str) -> HttpResponseBase:
    """GET a patch by its SHA-256, while an unfinished command of the agent needs its target."""
    run_that_needs(agent_of(request), sha256)
    row = find_patch(sha256, patch)
    if row is None:
        raise NotFound("The patch is not kept any more.")
    return blob_response(request, patch, row.size, f"{sha256}.patch")


def _form_for(agent: Agent, forms: Collection[str]) -> str | None:
    """Choose by what the agent said of itself in its last `hello`, and by what it can now."""
    said = agent.capabilities.get("capabilities", [])
    if ZSTD in forms and "patch:zstd" in said and f"deflate:{deflate_mark()}" in said:
        return ZSTD
    return FILES if FILES in forms and "patch:files" in said else None


def _packs_as_gzip(agent: Agent) -> bool:
    mark = gzip_mark()
    return bool(mark) and f"gzip:{mark}" in agent.capabilities.get("capabilities", [])


def _body_of(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > _LARGEST_BODY:
        raise Invalid("The request is too large.")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise Invalid("The request is not valid JSON.") from error
    if not isinstance(body, dict):
        raise Invalid("A JSON object is expected.")
    return body


def _forms(body: dict[str, Any]) -> list[str]:
    value = body.get("forms", [ZSTD, FILES])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Invalid(fields={"forms": ["A list of forms of patches is expected."]})
    return value


def _hashes(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name, [])
    if (
        not isinstance(value, list)
        or len(value) > _MOST
        or not all(isinstance(each, str) and _SHA256.fullmatch(each) for each in value)
    ):
        raise Invalid(fields={name: [f"A list of at most {_MOST} SHA-256 is expected."]})
    return value
