"""V2 answers: documents, collections, filters, updates."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from packages_feed.services import set_listed
from tests.factories import make_ana
from tests.factories.packages import make_package
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db

NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "d": "http://schemas.microsoft.com/ado/2007/08/dataservices",
    "m": "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata",
}


@pytest.fixture
def ana() -> Client:
    return Client(headers={"X-NuGet-ApiKey": make_ana().api_key})


def tree(response: Any) -> ET.Element:
    assert response.status_code == 200, response.content
    return ET.fromstring(response.content)


def entries(ana: Client, url: str) -> list[str]:
    root = tree(ana.get(url))
    return [
        f"{each.findtext('a:title', '', NAMES)} {each.findtext('.//d:Version', '', NAMES)}"
        for each in root.findall("a:entry", NAMES)
    ]


@pytest.fixture
def catalogue() -> None:
    """Push a few packages of one maker, and one of another."""
    make_package("Acme.Core", "1.0.0", tags="acme base")
    make_package("Acme.Core", "2.0.0-beta")
    make_package("Acme.Core", "3.0.0-beta.1")
    make_package("Acme.Web", "1.0.0.0", description="uses acme")
    make_package("Acme.Web", "1.1.0")
    set_listed(actor=SYSTEM, version=make_package("Acme.Web", "2.0.0"), listed=False)
    make_package("Other", "1.0.0")


def test_documents(ana: Client) -> None:
    assert Client().get("/nuget")["WWW-Authenticate"].startswith("Basic")
    assert tree(ana.get("/nuget")).tag.endswith("service")
    metadata = Client().get("/nuget/$metadata").content.decode()
    assert 'FunctionImport Name="Search"' in metadata
    assert 'Property Name="PackageHash"' in metadata


LATEST_OF_ALL = (
    "Search()?$filter=IsLatestVersion&$orderby=Id&$skip=0&$top=30&searchTerm=''"
    "&targetFramework=''&includePrerelease=false"
)
LATEST_WITH_PRERELEASES = (
    "Search()?$filter=IsAbsoluteLatestVersion&$orderby=Id&searchTerm='acme'&includePrerelease=true"
)
WITHOUT_SEARCH = (
    "Packages()?$filter=(((Id ne null) and substringof('web',tolower(Id))) or"
    " ((Description ne null) and substringof('uses',tolower(Description)))) or"
    " ((Tags ne null) and substringof(' base ',tolower(Tags)))"
)
UPDATES = (
    "GetUpdates()?packageIds='Acme.Core|Acme.Web|None'&versions='1.0.0|1.0.0|1.0'"
    "&includePrerelease=true&includeAllVersions=false"
)
NO_UPDATES = (
    "GetUpdates()?packageIds='Acme.Core'&versions='1.0.0'&includePrerelease=true"
    "&versionConstraints='[1.0,1.5]'"
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("FindPackagesById()?id='acme.core'", ["Acme.Core 1.0.0", "Acme.Core 2.0.0-beta"]),
        (
            "FindPackagesById()?id='Acme.Core'&semVerLevel=2.0.0",
            ["Acme.Core 1.0.0", "Acme.Core 2.0.0-beta", "Acme.Core 3.0.0-beta.1"],
        ),
        (
            "FindPackagesById?id=%27Acme.Web%27",
            ["Acme.Web 1.0.0.0", "Acme.Web 1.1.0", "Acme.Web 2.0.0"],
        ),
        (
            "FindPackagesById()?$filter=IsLatestVersion&$orderby=Version%20desc&$top=1&id='Acme.Web'",
            ["Acme.Web 1.1.0"],
        ),
        ("FindPackagesById()?id='nothing'", []),
        (
            LATEST_OF_ALL,
            ["Acme.Core 1.0.0", "Acme.Web 1.1.0", "Other 1.0.0"],
        ),
        (
            LATEST_WITH_PRERELEASES,
            ["Acme.Core 2.0.0-beta", "Acme.Web 1.1.0"],
        ),
        ("Search()?searchTerm='base'", ["Acme.Core 1.0.0"]),
        (
            WITHOUT_SEARCH,
            ["Acme.Core 1.0.0", "Acme.Web 1.0.0.0", "Acme.Web 1.1.0"],
        ),
        ("Packages()?$filter=tolower(Id) eq 'other'", ["Other 1.0.0"]),
        ("Packages()?$filter=Id eq 'Acme.Web' and Version gt '1.0.0'", ["Acme.Web 1.1.0"]),
        ("Packages()?$filter=not IsPrerelease and startswith(Id,'Oth') eq true", ["Other 1.0.0"]),
        ("Packages()?$filter=Published lt datetime'2001-01-01T00:00:00'", []),
        ("Packages()?$orderby=Id desc,Version&$top=2", ["Other 1.0.0", "Acme.Web 1.0.0.0"]),
        (
            UPDATES,
            ["Acme.Core 2.0.0-beta", "Acme.Web 1.1.0"],
        ),
        (
            NO_UPDATES,
            [],
        ),
    ],
)
def test_collections(ana: Client, catalogue: None, url: str, expected: list[str]) -> None:
    assert entries(ana, f"/nuget/{url}") == expected
    assert entries(ana, f"/api/v2/{url}") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Id eq",
        "drop table",
        "(" * 30 + "IsPrerelease" + ")" * 30,
        "Secret eq 'x'",
        "length(Id) gt 3",
        "Id eq 'x' garbage",
        "substringof('a')",
        "Published gt datetime'x'",
        "x" * 5000,
        "'open",
        "not",
    ],
)
def test_filters_that_cannot_be_read(ana: Client, text: str) -> None:
    answer = ana.get("/nuget/Packages()", {"$filter": text})
    assert answer.status_code == 400
    assert "$filter" in answer["X-Octopus-Reason"]


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "1.0.0.0", "01.0"])
def test_one_package_by_any_spelling(ana: Client, catalogue: None, version: str) -> None:
    root = tree(ana.get(f"/nuget/Packages(Id=%27acme.web%27,Version=%27{version}%27)"))
    assert root.findtext(".//d:NormalizedVersion", "", NAMES) == "1.0.0"
    content = root.find("a:content", NAMES)
    assert content is not None
    assert content.get("src") == "http://testserver/nuget/package/Acme.Web/1.0.0"
    assert ana.get("/nuget/Packages(Id='None',Version='1.0')").status_code == 404


def test_properties(ana: Client) -> None:
    groups = (
        '<dependencies><group targetFramework=".NETFramework4.5">'
        '<dependency id="B" version="[1,2)"/></group>'
        '<group targetFramework=".NETStandard2.0"/></dependencies>'
    )
    row = make_package("A", "1.0", extra=groups, tags="x y", title="A &lt;b&gt;")
    root = tree(ana.get("/nuget/Packages(Id='A',Version='1.0')"))

    def text(name: str) -> str:
        return root.findtext(f".//d:{name}", "", NAMES)

    assert text("Dependencies") == "B:[1.0.0, 2.0.0):net45|::netstandard2.0"
    assert text("Tags") == " x y "
    assert text("Title") == "A <b>"
    assert text("PackageSize") == str(row.size)
    assert text("IsLatestVersion") == "true"
    assert len(text("PackageHash")) == 88


def test_characters_that_xml_cannot_hold_break_nothing(ana: Client) -> None:
    row = make_package("A", "1.0")
    row.metadata["release_notes"] = "a\x08b\ufffe]]>"
    row.save()
    assert entries(ana, "/nuget/FindPackagesById()?id='A'") == ["A 1.0"]


def test_pages_follow_each_other(ana: Client) -> None:
    for number in range(205):
        make_package("Many", f"1.0.{number}", content=b"same")
    url = "/nuget/FindPackagesById()?id='Many'&semVerLevel=2.0.0&$inlinecount=allpages"
    seen: list[str] = []
    pages = 0
    while url:
        root = tree(ana.get(url))
        pages += 1
        assert root.findtext("m:count", "", NAMES) == "205"
        seen += [each.text or "" for each in root.iterfind(".//d:Version", NAMES)]
        link = root.find("a:link[@rel='next']", NAMES)
        url = link.get("href", "").removeprefix("http://testserver") if link is not None else ""
    assert pages == 3
    assert seen == [f"1.0.{number}" for number in range(205)]
    count = ana.get("/nuget/FindPackagesById()/$count?id='Many'")
    assert count.content == b"205"


def test_a_page_costs_few_queries(ana: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(60):
        make_package(f"P{number}", content=b"same")
    with django_assert_max_num_queries(8):
        assert len(entries(ana, "/nuget/Search()?searchTerm=''")) == 60


def test_the_latest_is_worked_out_among_what_the_client_can_read(ana: Client) -> None:
    make_package("A", "1.0.0")
    make_package("A", "2.0.0+meta")
    url = "/nuget/Search()?$filter=IsLatestVersion&searchTerm=''"
    assert entries(ana, url) == ["A 1.0.0"]
    assert entries(ana, f"{url}&semVerLevel=2.0.0") == ["A 2.0.0+meta"]


def test_a_search_finds_packages_by_their_latest_version(ana: Client) -> None:
    make_package("A", "1.0.0", description="A pipe")
    make_package("A", "2.0.0", description="A wrench")
    make_package("A", "3.0.0-rc.1", description="A hammer")

    def found(query: str) -> list[str]:
        return [each.removeprefix("A ") for each in entries(ana, f"/nuget/Search()?{query}")]

    assert found("searchTerm='pipe'") == []
    assert found("searchTerm='WRENCH'") == ["1.0.0", "2.0.0"]
    assert found("searchTerm='wrench'&$filter=IsLatestVersion") == ["2.0.0"]
    assert found("searchTerm='hammer'&includePrerelease=true&semVerLevel=2.0.0") == [
        *("1.0.0", "2.0.0", "3.0.0-rc.1")
    ]


@pytest.mark.parametrize(
    "flags", ["IsLatestVersion", "IsAbsoluteLatestVersion&includePrerelease=true"]
)
@pytest.mark.parametrize(
    "query",
    [
        "searchTerm=''",
        "searchTerm='acme'",
        "searchTerm='acme uses'&semVerLevel=2.0.0",
        "searchTerm='nothing'",
        "searchTerm=''&$skip=1&$top=1&$inlinecount=allpages",
        "searchTerm=''&$skip=9&$inlinecount=allpages",
        "searchTerm=''&$top=0",
    ],
)
def test_a_list_is_what_the_filter_finds(
    ana: Client, catalogue: None, flags: str, query: str
) -> None:
    """A list is asked for in a shorter way, which the same filter in parentheses does not take."""
    flag, _, prereleases = flags.partition("&")
    for way, order in (("Search()", "&$orderby=Id"), ("Search()/$count", "")):
        short, long = (
            ana.get(f"/nuget/{way}?$filter={text}{order}&{prereleases}&{query}")
            for text in (flag, f"({flag})")
        )
        assert short.status_code == 200
        assert _without_moments(short) == _without_moments(long)


def _without_moments(response: Any) -> str:
    text = re.sub(r"<updated>[^<]*</updated>", "", response.content.decode())
    return re.sub(r"%28(\w+)%29", r"\1", text)  # the filter in the address of the next page
