"""V3 answers: index, files, registrations, search."""

import io
import json
from typing import Any

import pytest
from django.test import Client

from deployments.base.models import Space
from packages_feed.services import set_listed, store_package
from tests.factories import default_space, make_ana
from tests.factories.packages import make_package, nupkg, nuspec, zip_of
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db

DEPENDENCIES = (
    '<dependencies><group targetFramework=".NETFramework4.5">'
    '<dependency id="Acme.Core" version="1.0"/></group>'
    '<group targetFramework="net40"/></dependencies>'
)


@pytest.fixture
def ana() -> Client:
    return Client(headers={"X-NuGet-ApiKey": make_ana().api_key})


def read(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def body(response: Any) -> Any:
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def test_the_service_index_names_what_clients_need() -> None:
    index = body(Client().get("/nuget/v3/index.json", headers={"Host": "feed.example.com:81"}))
    types = {each["@type"]: each["@id"] for each in index["resources"]}
    assert index["version"] == "3.0.0"
    base = "http://feed.example.com:81/nuget"
    assert types["PackagePublish/2.0.0"] == f"{base}/v3/package"
    assert types["PackageBaseAddress/3.0.0"] == f"{base}/v3/flat/"
    for name in ("", "/3.0.0-beta", "/3.0.0-rc", "/3.4.0", "/3.6.0", "/Versioned"):
        assert types[f"RegistrationsBaseUrl{name}"] == f"{base}/v3/registrations/"
    assert not any("Symbol" in name or "Vulnerab" in name for name in types)


def test_addresses_follow_the_proxy_but_no_nonsense() -> None:
    def first(**headers: str) -> str:
        index = body(Client().get("/nuget/v3/index.json", headers=headers))
        address: str = index["resources"][0]["@id"]
        return address

    sent = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "octopus.example.com"}
    assert first(**sent) == "https://octopus.example.com/nuget/v3/package"
    assert first(Host="evil.example.com/<x>").startswith("http://127.0.0.1:8080/nuget")


def test_addresses_with_a_space_keep_it(ana: Client) -> None:
    space = default_space().public_id
    for root in (f"nuget/{space}", f"api/{space}/nuget", f"api/spaces/{space}/nuget"):
        index = body(ana.get(f"/{root}/v3/index.json"))
        assert index["resources"][0]["@id"] == f"http://testserver/{root}/v3/package"


def test_the_flat_index_has_all_versions_in_order(ana: Client) -> None:
    for version in ("1.10.0", "1.9.0", "1.10.0-RC.1", "2.0.0+build", "01.0"):
        row = make_package("Acme.Web", version)
        set_listed(actor=SYSTEM, version=row, listed=version != "1.9.0")
    make_package("Acme.Web", "9.0.0", extension=".zip")
    index = body(ana.get("/nuget/v3/flat/ACME.web/index.json"))
    assert index == {"versions": ["1.0.0", "1.9.0", "1.10.0-rc.1", "1.10.0", "2.0.0"]}
    assert ana.get("/nuget/v3/flat/nothing/index.json").status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "/nuget/v3/flat/acme.web/1.0.0-rc.1/acme.web.1.0.0-rc.1.nupkg",
        "/nuget/v3/flat/Acme.Web/1.0.0-RC.1/acme.web.1.0.0-rc.1.nupkg",
        "/nuget/v3/flat/acme.web/1.0-rc.1/acme.web.1.0-rc.1.nupkg",
        "/nuget/package/Acme.Web/1.0.0.0-rc.1",
        "/api/v2/package/acme.web/1.0.0-rc.1",
    ],
)
def test_the_package_comes_byte_for_byte(ana: Client, url: str) -> None:
    row = make_package("Acme.Web", "1.0.0-RC.1")
    answer = ana.get(url)
    assert read(answer) == nupkg("Acme.Web", "1.0.0-RC.1")
    assert answer["ETag"] == f'"{row.blob_id}"'
    assert answer["Content-Length"] == str(row.size)
    head = ana.head(url)
    assert (head.content, head["Content-Length"]) == (b"", str(row.size))


def test_parts_and_conditions(ana: Client) -> None:
    row = make_package("Acme.Web", "1.0.0")
    url, data = "/nuget/package/Acme.Web/1.0.0", nupkg("Acme.Web", "1.0.0")

    def part(text: str, **headers: str) -> Any:
        return ana.get(url, headers={"Range": text, **headers})

    for text, expected in (
        ("bytes=2-5", data[2:6]),
        ("bytes=-3", data[-3:]),
        ("bytes=7-", data[7:]),
    ):
        answer = part(text)
        assert answer.status_code == 206
        assert read(answer) == expected
    answer = part("bytes=2-5")
    assert (read(answer), answer["Content-Range"]) == (data[2:6], f"bytes 2-5/{len(data)}")
    assert part("bytes=99999-").status_code == 416
    for text in ("bytes=5-2", "lines=1-2", "bytes=0-1,3-4", "bytes=-"):
        assert read(part(text)) == data
    assert read(part("bytes=0-1", **{"If-Range": '"other"'})) == data
    assert ana.get(url, headers={"If-None-Match": f'"{row.blob_id}"'}).status_code == 304


def test_the_manifest(ana: Client) -> None:
    make_package("Acme.Web", "1.0.0")
    answer = ana.get("/nuget/v3/flat/acme.web/1.0.0/acme.web.nuspec")
    assert answer["Content-Type"] == "application/xml"
    assert b"<id>Acme.Web</id>" in answer.content


def test_of_two_builds_the_newest_push_is_served(ana: Client) -> None:
    make_package("Acme.Web", "1.0.0+b")
    last = make_package("Acme.Web", "1.0.0+a")
    assert body(ana.get("/nuget/v3/flat/acme.web/index.json")) == {"versions": ["1.0.0"]}
    answer = ana.get("/nuget/v3/flat/acme.web/1.0.0/acme.web.1.0.0.nupkg")
    assert answer["ETag"] == f'"{last.blob_id}"'
    assert read(answer) == nupkg("Acme.Web", "1.0.0+a")


def test_registrations(ana: Client) -> None:
    make_package("Acme.Web", "1.0.0", extra=DEPENDENCIES, projectUrl="javascript:alert(1)")
    row = make_package("Acme.Web", "2.0.0-a.b+meta")
    set_listed(actor=SYSTEM, version=row, listed=False)
    index = body(ana.get("/nuget/v3/registrations/acme.web/index.json"))
    (page,) = index["items"]
    assert (page["count"], page["lower"], page["upper"]) == (2, "1.0.0", "2.0.0-a.b")
    first, second = (leaf["catalogEntry"] for leaf in page["items"])
    assert first["dependencyGroups"] == [
        {
            "targetFramework": ".NETFramework4.5",
            "dependencies": [
                {
                    "id": "Acme.Core",
                    "range": "[1.0.0, )",
                    "registration": "http://testserver/nuget/v3/registrations/acme.core/index.json",
                }
            ],
        },
        {"targetFramework": "net40"},
    ]
    assert first["projectUrl"] == ""
    assert (second["version"], second["listed"]) == ("2.0.0-a.b+meta", False)
    assert second["published"] == "1900-01-01T00:00:00+00:00"
    leaf = body(ana.get("/nuget/v3/registrations/acme.web/1.0.0.json"))
    assert leaf["listed"] is True


def test_many_versions_come_in_pages(ana: Client) -> None:
    for number in range(130):
        make_package("Acme.Web", f"1.0.{number}", content=b"same")
    index = body(ana.get("/nuget/v3/registrations/acme.web/index.json"))
    assert [page["count"] for page in index["items"]] == [64, 64, 2]
    assert all("items" not in page for page in index["items"])
    page = body(ana.get(index["items"][1]["@id"].removeprefix("http://testserver")))
    assert (page["lower"], page["upper"], len(page["items"])) == ("1.0.64", "1.0.127", 64)
    assert page["parent"] == index["@id"]


@pytest.fixture
def catalogue() -> Space:
    """Push packages of several kinds."""
    make_package("Acme.Web", "1.0.0", tags="site")
    make_package("Acme.Web", "2.0.0-beta")
    make_package("Acme.Web", "3.0.0-beta.1")
    make_package("Web", "1.0.0")
    make_package("Only.Beta", "1.0.0-beta", description="about web things")
    set_listed(actor=SYSTEM, version=make_package("Hidden.Web"), listed=False)
    make_package(
        "Tool", extra='<packageTypes><packageType name="DotnetTool"/></packageTypes>', tags="WEB"
    )
    make_package("Zipped.Web", extension=".zip")
    return default_space()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=web", ["Web 1.0.0", "Acme.Web 1.0.0", "Tool 1.0.0"]),
        ("q=acme site", ["Acme.Web 1.0.0"]),
        (
            "q=web&prerelease=true",
            ["Web 1.0.0", "Acme.Web 2.0.0-beta", "Only.Beta 1.0.0-beta", "Tool 1.0.0"],
        ),
        ("q=acme&prerelease=true&semVerLevel=2.0.0", ["Acme.Web 3.0.0-beta.1"]),
        ("q=&packageType=dotnettool", ["Tool 1.0.0"]),
        ("q=&packageType=other", []),
        ("q=tool&packageType=DotnetTool", ["Tool 1.0.0"]),
        ("q=acme&packageType=dotnettool", []),
        ("q=acme%20web", ["Acme.Web 1.0.0"]),
        ("q=%25", []),
        ("q=acme_web", []),
        ("q=nothing", []),
        ("", ["Acme.Web 1.0.0", "Tool 1.0.0", "Web 1.0.0"]),
    ],
)
def test_search(ana: Client, catalogue: Space, query: str, expected: list[str]) -> None:
    found = body(ana.get(f"/nuget/v3/query?{query}"))
    assert [f"{hit['id']} {hit['version']}" for hit in found["data"]] == expected
    assert found["totalHits"] == len(expected)


def test_search_pages_and_counts(ana: Client, catalogue: Space) -> None:
    page = body(ana.get("/nuget/v3/query?skip=1&take=1"))
    assert (page["totalHits"], [hit["id"] for hit in page["data"]]) == (3, ["Tool"])
    for query, total in (("take=0", 3), ("skip=5", 3), ("q=acme&take=0", 1), ("q=acme&skip=1", 1)):
        page = body(ana.get(f"/nuget/v3/query?{query}"))
        assert page == {"totalHits": total, "data": []}
    assert ana.get("/nuget/v3/query?take=many").status_code == 400
    hit = body(ana.get("/nuget/v3/query?q=acme&prerelease=true"))["data"][0]
    assert [each["version"] for each in hit["versions"]] == ["1.0.0", "2.0.0-beta"]


def test_autocomplete(ana: Client, catalogue: Space) -> None:
    assert body(ana.get("/nuget/v3/autocomplete?q=acm"))["data"] == ["Acme.Web"]
    versions = body(ana.get("/nuget/v3/autocomplete?id=acme.web&prerelease=true"))
    assert versions == {"data": ["1.0.0", "2.0.0-beta"]}
    assert body(ana.get("/nuget/v3/autocomplete?id=none")) == {"data": []}


def test_a_search_of_many_costs_few_queries(
    ana: Client, catalogue: Space, django_assert_max_num_queries: Any
) -> None:
    for number in range(40):
        make_package(f"Many.N{number}", content=b"same")
    ana.get("/nuget/v3/query?take=1")
    with django_assert_max_num_queries(8):
        assert len(body(ana.get("/nuget/v3/query?q=many&take=40"))["data"]) == 40
    with django_assert_max_num_queries(7):
        assert len(body(ana.get("/nuget/v3/autocomplete?q=many&take=40"))["data"]) == 40
    with django_assert_max_num_queries(7):
        ana.get("/nuget/v3/registrations/acme.web/index.json")


def test_reading_needs_a_key_with_the_permission() -> None:
    make_package("Acme.Web")
    for url in ("/nuget/v3/flat/acme.web/index.json", "/nuget/v3/query"):
        assert Client().get(url).status_code == 401


def test_icon_readme_and_licence_of_a_package(ana: Client) -> None:
    image = b"\x89PNG\r\n\x1a\n" + bytes(9)
    extra = '<icon>i.png</icon><readme>r.md</readme><license type="file">l.html</license>'
    files = {
        "a.nuspec": nuspec("Acme.Icons", "1.0", extra=extra, iconUrl="https://example.com/i.png"),
        "i.png": image,
        "r.md": b"# Hello",
        "l.html": b"<script>alert(1)</script>",
    }
    store_package(
        actor=SYSTEM, space=default_space(), file=io.BytesIO(zip_of(files)), file_name="package"
    )
    make_package("Acme.Plain", "1.0", iconUrl="https://example.com/i.png")
    flat = "/nuget/v3/flat/acme.icons/1.0.0"
    icon = ana.get(f"{flat}/icon")
    assert (icon.content, icon["Content-Type"]) == (image, "image/png")
    assert "sandbox" in icon["Content-Security-Policy"]
    readme, licence = ana.get(f"{flat}/readme"), ana.get(f"{flat}/license")
    assert readme.content == b"# Hello"
    assert readme["Content-Type"] == licence["Content-Type"] == "text/plain; charset=utf-8"
    assert licence["X-Content-Type-Options"] == "nosniff"
    assert ana.get("/nuget/v3/flat/acme.plain/1.0.0/icon").status_code == 404
    assert Client().get(f"{flat}/icon").status_code == 401
    hits = {hit["id"]: hit["iconUrl"] for hit in body(ana.get("/nuget/v3/query"))["data"]}
    assert hits["Acme.Icons"].endswith(f"{flat}/icon")
    assert hits["Acme.Plain"] == "https://example.com/i.png"
