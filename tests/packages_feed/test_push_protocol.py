"""Push, delete and relist as NuGet clients send them."""

import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from deployments.base.settings_rows import set_setting
from packages_feed.models import PackageVersion
from tests.factories import default_space, make_ana, make_cleo, make_space
from tests.factories.packages import make_package, nupkg, zip_of
from tests.packages_feed.conftest import stored_files
from tests.support.environment import runs_on_postgres

pytestmark = pytest.mark.django_db

# With those for grants, which are kept otherwise, and those that begin and end a transaction.
MOST_QUERIES = 8 if runs_on_postgres() else 12
URLS = [
    "/nuget/packages",
    "/nuget/packages/",
    "/nuget",
    "/nuget/",
    "/nuget/v3/package",
    "/nuget/v3/package/",
    "/api/v2/package",
    "/api/v2/package/",
    "/api/v2",
]


def form(data: bytes, part: str = "package", name: str = "package") -> bytes:
    return encode_multipart(BOUNDARY, {part: SimpleUploadedFile(name, data)})


def push(client: Client, url: str, data: bytes, method: str = "PUT", **part: str) -> Any:
    return client.generic(method, url, form(data, **part), content_type=MULTIPART_CONTENT)


@pytest.fixture
def ana() -> Client:
    return Client(headers={"X-NuGet-ApiKey": make_ana().api_key})


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("url", URLS)
def test_every_address(ana: Client, url: str, method: str) -> None:
    answer = push(ana, url, nupkg("Acme", "1.0.0"), method)
    assert answer.status_code == 201, answer.content
    assert answer["Location"] == f"/api/{default_space().public_id}/packages/packages-Acme.1.0.0"


@pytest.mark.parametrize("root", ["/nuget/{}", "/api/{}/nuget", "/api/spaces/{}/nuget"])
def test_addresses_with_a_space(root: str) -> None:
    other = make_space()
    root = root.format(other.public_id)
    client = Client(headers={"X-NuGet-ApiKey": make_ana().api_key})
    answer = push(client, f"{root}/packages", nupkg("Acme", "1.0.0"))
    assert answer.status_code in {201, 403}
    assert not PackageVersion.objects.in_space(default_space()).exists()


@pytest.mark.parametrize("part", ["package", "file", "data", "fileToUpload", "fileData"])
def test_the_part_may_have_any_name(ana: Client, part: str) -> None:
    assert push(ana, "/nuget/packages", nupkg("A", "1.0"), part=part).status_code == 201


def test_a_raw_body(ana: Client) -> None:
    answer = ana.generic("PUT", "/nuget/packages", nupkg("A", "1.0"), "application/octet-stream")
    assert answer.status_code == 201


def test_what_old_mono_clients_send(ana: Client) -> None:
    data = nupkg("A", "1.0")
    boundary = "---------------------------8d0000000000000"
    body = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="package"; filename="package"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode() + data
    body += f"\n--{boundary}--".encode()
    content_type = f"multipart/form-data; boundary={boundary}"
    assert ana.generic("PUT", "/nuget/packages/", body, content_type).status_code == 201
    (row,) = PackageVersion.objects.in_space(default_space())
    assert row.size == len(data)


def test_what_new_clients_send(ana: Client) -> None:
    data = nupkg("A", "1.0")
    body = (
        b"--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data;"
        b" name=package; filename=package.nupkg; filename*=utf-8''package.nupkg\r\n\r\n"
        + data
        + b"\r\n--b--\r\n"
    )
    content_type = 'multipart/form-data; boundary="b"'
    assert ana.generic("PUT", "/nuget/packages", body, content_type).status_code == 201


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/octet-stream"),
        (b"", MULTIPART_CONTENT),
        (encode_multipart(BOUNDARY, {"package": "text"}), MULTIPART_CONTENT),
        (b"garbage", "multipart/form-data"),
    ],
)
def test_requests_without_a_file(ana: Client, body: bytes, content_type: str) -> None:
    answer = ana.generic("PUT", "/nuget/packages", body, content_type)
    assert answer.status_code == 400
    assert "file" in answer["X-Octopus-Reason"] or "form" in answer["X-Octopus-Reason"]


def test_a_second_push_says_why(ana: Client) -> None:
    push(ana, "/nuget/packages", nupkg("Acme", "1.0.0"))
    answer = push(ana, "/nuget/packages", nupkg("Acme", "1.0.0", content=b"other"))
    assert answer.status_code == 409
    expected = "A package with the same name and version already exists: Acme 1.0.0"
    assert answer["X-Octopus-Reason"] == expected
    assert answer["X-NuGet-Warning"].startswith(expected)
    assert answer.json()["Errors"][0].startswith(expected)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("replace=true/", 201),
        ("REPLACE=True", 201),
        ("replace=false", 409),
        ("overwriteMode=IgnoreIfExists/", 200),
        ("overwriteMode=OverwriteExisting", 201),
        ("overwriteMode=sometimes", 400),
    ],
)
def test_modes(ana: Client, query: str, status: int) -> None:
    push(ana, "/nuget/packages", nupkg("Acme", "1.0.0"))
    answer = push(ana, f"/nuget/packages?{query}", nupkg("Acme", "1.0.0", content=b"other"))
    assert answer.status_code == status


def test_keys_and_their_lack() -> None:
    key = make_ana().api_key
    data = nupkg("A", "1.0")
    nobody = push(Client(), "/nuget/packages", data)
    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, 'Basic realm="Octopus"')
    empty = push(Client(headers={"Authorization": "Basic Og=="}), "/nuget/packages", data)
    assert empty.status_code == 401
    wrong = push(Client(headers={"X-NuGet-ApiKey": "API-WRONG"}), "/nuget/packages", data)
    assert (wrong.status_code, wrong["X-Octopus-Reason"]) == (403, "The API key is not valid")
    basic = base64.b64encode(f"any:{key}".encode()).decode()
    answer = push(Client(headers={"Authorization": f"Basic {basic}"}), "/nuget/packages", data)
    assert answer.status_code == 201
    bad = base64.b64encode(b"ana:wrong").decode()
    wrong = push(Client(headers={"Authorization": f"Basic {bad}"}), "/nuget/packages", data)
    assert wrong.status_code == 401
    by_query = push(Client(), f"/nuget/packages?replace=true&apikey={key}", data)
    assert by_query.status_code == 201


def test_a_viewer_is_told_what_is_missing(storage: Any) -> None:
    cleo = Client(headers={"X-NuGet-ApiKey": make_cleo(default_space()).api_key})
    answer = push(cleo, "/nuget/packages", nupkg("A", "1.0"))
    assert answer.status_code == 403
    assert "BuiltInFeedPush" in answer["X-Octopus-Reason"]
    assert stored_files(storage) == []


def test_too_large(ana: Client, storage: Any) -> None:
    set_setting("packages.limits", {"package": 100})
    answer = push(ana, "/nuget/packages", nupkg("A", "1.0"))
    assert answer.status_code == 413
    assert "larger than 100 bytes" in answer["X-Octopus-Reason"]
    assert stored_files(storage) == []


def test_no_header_can_be_split(ana: Client) -> None:
    name = "x\r\nSet-Cookie: a=b.zip"
    body = form(zip_of({"a": b"1"}), name="y.zip").replace(b"y.zip", name.encode())
    answer = ana.generic("PUT", "/nuget/packages", body, MULTIPART_CONTENT)
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


def test_old_clients_ask_for_the_address_first() -> None:
    for url in URLS:
        reads = url.rstrip("/") in {"/nuget", "/api/v2"}
        assert Client().get(url).status_code == (401 if reads else 200), url


@pytest.mark.parametrize(
    "url",
    [
        "/nuget/packages/acme.web/1.0",
        "/nuget/v3/package/Acme.Web/1.0.0.0",
        "/api/v2/package/Acme.Web/1.0.0+any",
        "/nuget/Acme.Web/1.0.0",
    ],
)
def test_deleting(ana: Client, url: str) -> None:
    make_package("Acme.Web", "1.0.0")
    assert ana.delete(url).status_code == 204
    again = ana.delete(url)
    assert again.status_code == 404
    assert "There is no package" in again["X-Octopus-Reason"]


def test_deleting_needs_its_permission() -> None:
    make_package("Acme.Web", "1.0.0")
    cleo = Client(headers={"X-NuGet-ApiKey": make_cleo(default_space()).api_key})
    answer = cleo.delete("/nuget/packages/Acme.Web/1.0.0")
    assert answer.status_code == 403
    assert "BuiltInFeedAdminister" in answer["X-Octopus-Reason"]


def test_a_server_may_unlist_instead(ana: Client) -> None:
    set_setting("packages.nuget_delete_unlists", True)
    row = make_package("Acme.Web", "1.0.0")
    assert ana.delete("/nuget/packages/Acme.Web/1.0.0").status_code == 204
    row.refresh_from_db(from_queryset=PackageVersion.objects.in_space(default_space()))
    assert row.listed is False
    assert ana.post("/nuget/packages/Acme.Web/1.0.0").status_code == 200
    row.refresh_from_db(from_queryset=PackageVersion.objects.in_space(default_space()))
    assert row.listed is True


def test_other_methods_are_refused(ana: Client) -> None:
    answer = ana.delete("/nuget/v3/index.json")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_a_push_costs_few_queries(ana: Client, django_assert_max_num_queries: Any) -> None:
    push(ana, "/nuget/packages", nupkg("Acme.First", "1.0.0"))
    with django_assert_max_num_queries(MOST_QUERIES):
        assert push(ana, "/nuget/packages", nupkg("Acme", "1.0.0")).status_code == 201
    for number in range(20):
        make_package("Acme", f"0.{number}")
    with django_assert_max_num_queries(MOST_QUERIES):
        assert push(ana, "/nuget/packages", nupkg("Acme", "1.0.1")).status_code == 201
