"""Root documents, headers, documentation and errors of the site."""

import uuid
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from deployments.base.errors import Conflict, Invalid, NotAuthenticated, NotFound, NotPermitted
from octopus_site.api.links import space_links, system_links
from octopus_site.middleware.errors import answer
from octopus_site.seed import seed_server
from tests.factories import default_space, make_ana

pytestmark = pytest.mark.django_db


def test_the_root_tells_what_clients_compare() -> None:
    body = Client().get("/api").json()
    assert body["Application"] == "Octopus Deploy"
    assert body["ApiVersion"] == "3.0.0"
    assert [int(part) for part in body["Version"].split(".")][:2] == [2025, 3]
    assert str(uuid.UUID(body["InstallationId"])) == body["InstallationId"]
    assert body["Links"]["Spaces"] == "/api/spaces{/id}{?skip,ids,take,partialName}"


def test_a_space_has_a_root_with_its_links() -> None:
    space = default_space().public_id
    body = make_ana().api.get(f"/api/{space}").json()
    assert body["Links"]["Projects"].startswith(f"/api/{space}/projects{{/id}}")
    assert body["Links"]["Self"] == f"/api/{space}"


def test_every_link_that_clients_need_is_there() -> None:
    needed = {
        *("Projects", "Releases", "Channels", "Tasks", "Feeds", "Lifecycles", "ProjectGroups"),
        *("Environments", "Tenants", "WorkerPools", "Workers", "Deployments", "Machines"),
    }
    assert needed <= set(space_links("Spaces-1"))
    assert needed | {"Users", "Spaces", "CurrentUser", "SignIn"} <= set(system_links())


def test_seeding_again_changes_nothing() -> None:
    before = Client().get("/api").json()
    seed_server()
    assert Client().get("/api").json() == before


def test_pages_may_run_scripts_of_this_site_only() -> None:
    headers = Client().get("/api").headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-Id"]


def test_the_documentation_has_no_inline_script() -> None:
    client = Client()
    page = client.get("/api/docs")
    assert page.status_code == 200
    html = page.content.decode()
    tags = html.split("<script")[1:]
    assert tags
    assert all(tag.partition(">")[2].startswith("</script>") for tag in tags)
    assert all(" src=" in tag.partition(">")[0] for tag in tags)
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "cdn" not in html


def test_the_openapi_document_lists_resources_once() -> None:
    paths = Client().get("/api/openapi.json").json()["paths"]
    assert "/api/{space}/users/{id}" in paths
    assert not any(path.startswith("/api/spaces/{space}") for path in paths)


def test_a_proxys_request_id_is_kept_and_a_strange_one_is_not() -> None:
    client = Client()
    kept = client.get("/api", headers={"X-Request-Id": "abc-12345"})
    assert kept.headers["X-Request-Id"] == "abc-12345"
    strange = client.get("/api", headers={"X-Request-Id": "<script>alert(1)"})
    assert "script" not in strange.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (Invalid("No."), 400, {"ErrorMessage", "Errors"}),
        (Invalid(fields={"Name": ["No."]}), 400, {"ErrorMessage", "Errors", "Details"}),
        (Conflict("Taken."), 409, {"ErrorMessage", "Errors"}),
        (NotAuthenticated(), 401, {"ErrorMessage"}),
        (NotPermitted("ProjectEdit"), 403, {"ErrorMessage"}),
        (NotFound(), 404, {"ErrorMessage"}),
        (ZeroDivisionError("secret"), 500, {"ErrorMessage", "RequestId"}),
    ],
)
def test_errors_below_the_api_are_json(error: Exception, status: int, body: set[str]) -> None:
    import json  # noqa: PLC0415

    response = answer(request("/api/x"), error)
    assert response.status_code == status
    assert set(json.loads(response.content)) == body
    assert b"secret" not in response.content


def test_errors_elsewhere_are_pages_that_name_the_request() -> None:
    response = answer(request("/app/x"), ZeroDivisionError("secret"))
    assert response.status_code == 500
    assert b"abc-12345" in response.content
    assert b"secret" not in response.content


def test_visitors_are_sent_to_sign_in() -> None:
    response: Any = answer(request("/app/Spaces-1/projects?x=1"), NotAuthenticated())
    assert response.status_code == 302
    assert response.url == "/app/sign-in?next=%2Fapp%2FSpaces-1%2Fprojects%3Fx%3D1"


def request(path: str) -> HttpRequest:
    made = RequestFactory().get(path)
    made.request_id = "abc-12345"  # type: ignore[attr-defined]  # as the middleware does
    made.actor = None  # type: ignore[attr-defined]  # as the middleware does
    return made
