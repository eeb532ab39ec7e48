"""The REST API of packages and feeds."""

import base64
import hashlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from deployments.base.settings_rows import set_setting
from packages_feed.models import Feed, PackageVersion
from packages_feed.storage import FileStorage
from tests.factories import (
    default_space,
    give_role,
    make_ana,
    make_cleo,
    make_dan,
    make_space,
    make_user,
)
from tests.factories.packages import make_package, nupkg, zip_of
from tests.factories.people import as_person
from tests.packages_feed.conftest import stored_files

pytestmark = pytest.mark.django_db

ZIP = zip_of({"a.txt": b"1"})


@pytest.fixture
def ana() -> Client:
    return make_ana().api


def upload(
    client: Client, name: str, data: bytes = ZIP, query: str = "", part: str = "fileToUpload"
) -> Any:
    url = f"/api/{default_space().public_id}/packages/raw{query}"
    return client.post(url, {part: SimpleUploadedFile(name, data)})


def digest(algorithm: str, data: bytes) -> str:
    value = hashlib.new(algorithm.replace("-", ""), data).digest()
    return f"{algorithm}=:{base64.b64encode(value).decode()}:"


def test_a_file_that_was_damaged_on_its_way_is_refused(ana: Client, storage: FileStorage) -> None:
    def put(told: str = "", query: str = "") -> Any:
        headers = {"Content-Digest": told}
        path = f"/api/packages/raw?fileName=Acme.1.0.zip&overwriteMode=OverwriteExisting{query}"
        return ana.put(path, ZIP, "application/octet-stream", headers=headers)

    for told in (
        "sha-256=:AAAA:",
        digest("sha-512", b"other"),
        "sha-256=:x:",
        f"{digest('sha-256', ZIP)}, sha-512=:AAAA:",
    ):
        answer = put(told)
        assert answer.status_code == 400, told
        assert stored_files(storage) == []
    assert put(query="&sha256=00").status_code == 400
    answer = upload(ana, "Acme.1.0.zip", query=f"?sha256={'0' * 64}")
    assert (answer.status_code, "damaged on its way" in str(answer.json())) == (400, True)
    assert stored_files(storage) == []
    for told in ("", digest("sha-256", ZIP), digest("sha-512", ZIP), "md5=:AAAA:", "nonsense"):
        assert put(told, f"&sha256={hashlib.sha256(ZIP).hexdigest().upper()}").status_code == 201


def test_an_ambiguous_name_is_refused_until_it_is_known_what_is_meant(
    ana: Client, storage: FileStorage
) -> None:
    refused = upload(ana, "acme-web-1.2.zip")
    (told,) = refused.json()["Errors"]
    assert refused.status_code == 400
    assert told == (
        "The name reads as version 2 of acme-web-1. If that is not meant, call the file"
        " acme-web.1.2.zip. If it is, send it once to"
        " /api/Spaces-1/packages/raw?packageId=acme-web-1&version=2; later versions of acme-web-1"
        " need no more."
    )
    assert (refused.json()["PackageId"], refused.json()["Version"]) == ("acme-web-1", "2")
    for query in ("packageId=acme-web&version=1.2", "packageId=acme-web-1&version=x"):
        wrong = upload(ana, "acme-web-1.2.zip", query=f"?{query}")
        assert (wrong.status_code, "not" in str(wrong.json()["Errors"])) == (400, True)
    half = upload(ana, "acme-web-1.2.zip", query="?packageId=acme-web-1")
    assert (half.status_code, half.json()["Errors"]) == (
        400,
        ["packageId and version go together."],
    )
    assert stored_files(storage) == []
    query = "?packageId=Acme-Web-1&version=2.0"
    assert upload(ana, "acme-web-1.2.zip", query=query).status_code == 201
    assert upload(ana, "ACME-WEB-1.3.zip").status_code == 201
    assert upload(ana, "acme-web.1.2.zip").status_code == 201
    assert upload(ana, "a-1.nupkg", nupkg("Acme-1", "2.0.0")).status_code == 201


def test_another_space_makes_no_name_clear(ana: Client) -> None:
    make_package("acme-web-1", "1.0.0", space=make_space())
    assert upload(ana, "acme-web-1.2.zip").status_code == 400


@pytest.mark.parametrize("part", ["file", "fileToUpload", "data", "package"])
def test_an_upload_answers_the_resource(ana: Client, part: str) -> None:
    answer = upload(ana, "Acme.Web.1.0.0-rc.1+sha.zip", part=part)
    assert answer.status_code == 201
    body = answer.json()
    assert body["Id"] == "packages-Acme.Web.1.0.0-rc.1+sha"
    assert body["PackageId"] == body["NuGetPackageId"] == "Acme.Web"
    assert body["FeedId"] == body["NuGetFeedId"] == "feeds-builtin"
    assert body["Hash"] == hashlib.sha1(ZIP).hexdigest()
    assert (body["FileExtension"], body["PackageSizeBytes"]) == (".zip", len(ZIP))
    assert body["ReleaseNotes"] is None
    assert ana.get(body["Links"]["Self"]).json()["Version"] == "1.0.0-rc.1+sha"
    raw = ana.get(body["Links"]["Raw"])
    assert b"".join(raw.streaming_content) == ZIP  # type: ignore[attr-defined]
    assert 'filename="Acme.Web.1.0.0-rc.1+sha.zip"' in raw["Content-Disposition"]


def test_the_path_of_the_default_space_and_a_raw_body(ana: Client) -> None:
    headers = {"Content-Disposition": 'attachment; filename="x/Acme.1.0.zip"'}
    answer = ana.post("/api/packages/raw", ZIP, "application/octet-stream", headers=headers)
    assert answer.status_code == 201, answer.content
    answer = ana.generic("PUT", "/api/packages/raw?fileName=Acme.2.0.zip", ZIP)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("query", "status", "changes"),
    [
        ("", 409, False),
        ("?overwriteMode=FailIfExists", 409, False),
        ("?replace=false", 409, False),
        ("?overwriteMode=IgnoreIfExists", 200, False),
        ("?OverwriteMode=OverwriteExisting", 201, True),
        ("?replace=true", 201, True),
    ],
)
def test_a_second_upload(ana: Client, query: str, status: int, changes: bool) -> None:
    first = upload(ana, "Acme.1.0.0.zip").json()
    answer = upload(ana, "Acme.1.0.0.zip", zip_of({"a.txt": b"2"}), query)
    assert answer.status_code == status
    if status == 409:
        body = answer.json()
        assert "A package with the same name and version already exists" in body["Errors"][0]
        assert body["ErrorMessage"]
    now = ana.get(first["Links"]["Self"]).json()
    assert (now["Hash"] != first["Hash"]) is changes


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("Acme.zip", ZIP, "does not split"),
        ("Acme.1.0.exe", ZIP, "extension"),
        ("Acme.1.0.zip", b"nothing", "not a zip"),
    ],
)
def test_refused_uploads(ana: Client, storage: Any, name: str, data: bytes, text: str) -> None:
    answer = upload(ana, name, data)
    assert answer.status_code == 400
    assert text in answer.json()["Errors"][0]
    assert stored_files(storage) == []


def test_too_large_is_413_in_json(ana: Client) -> None:
    set_setting("packages.limits", {"package": 50})
    answer = upload(ana, "Acme.1.0.zip")
    assert answer.status_code == 413
    assert "larger than" in answer.json()["ErrorMessage"]


def test_no_file(ana: Client) -> None:
    answer = ana.post("/api/packages/raw", {"a": "b"})
    assert answer.status_code == 400
    assert "no file" in answer.json()["Errors"][0]


def test_who_may_what() -> None:
    make_package("Acme", "1.0")
    assert upload(Client(), "Acme.2.0.zip").status_code == 401
    wrong = upload(Client(headers={"X-Octopus-ApiKey": "API-WRONG"}), "Acme.2.0.zip")
    assert wrong.status_code == 401
    cleo = make_cleo(default_space()).api
    answer = upload(cleo, "Acme.2.0.zip")
    assert answer.status_code == 403
    assert "BuiltInFeedPush" in answer.json()["ErrorMessage"]
    assert cleo.get("/api/packages").json()["TotalResults"] == 0
    assert cleo.delete("/api/packages/packages-Acme.1.0").status_code == 404
    contributor = make_user()
    give_role(contributor, "userroles-projectcontributor", default_space())
    seeing = as_person(contributor).api
    assert seeing.get("/api/packages").json()["TotalResults"] == 1
    assert seeing.delete("/api/packages/packages-Acme.1.0").status_code == 403
    assert seeing.get("/api/packages/packages-Acme.1.0/raw").status_code == 403
    dan = make_dan(make_space()).api
    assert dan.get(f"/api/{default_space().public_id}/packages").status_code == 404
    assert dan.get("/api/packages/packages-Acme.1.0").status_code == 404
    assert upload(dan, "Acme.2.0.zip").status_code == 404


def test_lists(ana: Client) -> None:
    for package_id, version in (
        ("Acme.Web", "1.9.0"),
        ("Acme.Web", "1.10.0"),
        ("Acme.Web", "1.10.0-beta"),
        ("Acme.Core", "1.0"),
        ("Other", "1.0"),
    ):
        make_package(package_id, version, releaseNotes=f"Notes of {version}")

    def listed(query: str) -> list[str]:
        body = ana.get(f"/api/packages?{query}").json()
        assert body["TotalResults"] >= len(body["Items"])
        return [f"{item['PackageId']} {item['Version']}" for item in body["Items"]]

    assert listed("") == ["Acme.Core 1.0", "Acme.Web 1.10.0", "Other 1.0"]
    assert listed("filter=ACME&take=2147483647") == ["Acme.Core 1.0", "Acme.Web 1.10.0"]
    by_id = ["Acme.Web 1.10.0", "Acme.Web 1.10.0-beta", "Acme.Web 1.9.0"]
    assert listed("nuGetPackageId=acme.web") == by_id
    assert listed("nuGetPackageId=acme.web&latest=true") == by_id[:1]
    assert listed("nuGetPackageId=acme.web&skip=1&take=1") == by_id[1:2]
    both = ana.get("/api/packages?filter=a&nuGetPackageId=b")
    assert both.status_code == 400
    expected = "Only one of either nuGetPackageId or filter may be specified."
    assert both.json()["Errors"] == [expected]
    item = ana.get("/api/packages?filter=other&includeNotes=true").json()["Items"][0]
    assert item["ReleaseNotes"] == "Notes of 1.0"


@pytest.mark.parametrize(
    "text",
    ["packages-Acme.2.Web.1.0.0", "Acme.2.Web.1.0.0", "packages-acme.2.web.1.0", "Acme.2.Web.1"],
)
def test_ids_split_by_what_is_there(ana: Client, text: str) -> None:
    make_package("Acme.2.Web", "1.0.0")
    make_package("Acme", "2.0.0")
    assert ana.get(f"/api/packages/{text}").json()["PackageId"] == "Acme.2.Web"


def test_an_id_that_starts_like_the_prefix(ana: Client) -> None:
    make_package("packages-Acme", "1.0.0")
    assert ana.get("/api/packages/packages-Acme.1.0.0").json()["PackageId"] == "packages-Acme"
    body = ana.get("/api/packages/packages-packages-Acme.1.0.0").json()
    assert body["Id"] == "packages-packages-Acme.1.0.0"


def test_what_is_not_there(ana: Client) -> None:
    for url in (
        "packages/packages-A.1.0",
        "packages/x",
        f"packages/{'1.' * 400}",
        "feeds/Feeds-999999999",
    ):
        answer = ana.get(f"/api/{url}")
        assert answer.status_code == 404
        assert set(answer.json()) == {"ErrorMessage"}
    signature = ana.get("/api/packages/Acme/1.0.0/delta-signature")
    assert signature.status_code == 404
    assert "ErrorMessage" in signature.json()


def test_deleting_one_and_many(ana: Client) -> None:
    for number in range(4):
        make_package("Acme", f"1.0.{number}")
    assert ana.delete("/api/packages/packages-Acme.1.0.0").status_code == 200
    answer = ana.delete("/api/packages/bulk?ids=packages-Acme.1.0.1,Acme.1.0.2,None.1.0")
    assert answer.status_code == 200
    left = PackageVersion.objects.in_space(default_space())
    assert [row.version for row in left] == ["1.0.3"]


def test_notes(ana: Client) -> None:
    make_package("Acme", "1.0", releaseNotes="Fixed it")
    body = ana.get("/api/packages/notes?packageIds=packages-Acme.1.0,Other.1.0").json()
    notes = [entry["Notes"] for entry in body["Packages"]]
    assert [each["Succeeded"] for each in notes] == [True, False]
    assert notes[0]["Notes"] == "Fixed it"
    one = ana.get("/api/feeds/feeds-builtin/packages/notes?packageId=Acme&version=1.0.0").json()
    assert one == {"Notes": "Fixed it"}


def test_every_space_has_its_feed(ana: Client) -> None:
    body = ana.get("/api/feeds?feedType=BuiltIn&take=1").json()
    (feed,) = body["Items"]
    assert (feed["Id"], feed["FeedType"]) == ("feeds-builtin", "BuiltIn")
    assert feed["Slug"] == "octopus-server-built-in"
    assert {"SearchTemplate", "SearchPackagesTemplate", "SearchPackageVersionsTemplate"} <= set(
        feed["Links"]
    )
    other = Feed.objects.in_space(make_space()).get()
    assert other.public_id == f"Feeds-{other.pk}"
    for text in ("feeds-builtin", "Feeds-BuiltIn", "octopus-server-built-in"):
        assert ana.get(f"/api/feeds/{text}").json()["Id"] == "feeds-builtin"
    assert ana.get("/api/feeds?ids=feeds-builtin").json()["TotalResults"] == 1
    assert len(ana.get("/api/feeds/all").json()) == 1
    assert ana.get("/api/feeds?feedType=Docker").json()["TotalResults"] == 0


def test_what_cannot_be_done_with_feeds(ana: Client) -> None:
    body = {"Name": "Second", "FeedType": "BuiltIn"}
    answer = ana.post("/api/feeds", body, "application/json")
    assert answer.status_code == 400
    assert "Feeds are of the types" in answer.json()["Errors"][0]
    assert ana.delete("/api/feeds/feeds-builtin").status_code == 400
    renamed = ana.put(
        "/api/feeds/feeds-builtin", {"Name": "Ours", "FeedType": "BuiltIn"}, "application/json"
    )
    assert (renamed.status_code, renamed.json()["Name"]) == (200, "Ours")


def test_versions_of_a_feed(ana: Client) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0-beta.1", "2.0.0", "1.10.0"):
        make_package("Acme.Web", version)

    def versions(query: str) -> list[str]:
        url = f"/api/feeds/feeds-builtin/packages/versions?packageId=Acme.Web&{query}"
        answer = ana.get(url)
        assert answer.status_code == 200, answer.content
        return [item["Version"] for item in answer.json()["Items"]]

    assert versions("") == ["2.0.0", "1.10.0", "1.2.0-beta.1", "1.1.0", "1.0.0"]
    assert versions("includePreRelease=false&take=2") == ["2.0.0", "1.10.0"]
    assert versions("versionRange=[1.1,2.0)") == ["1.10.0", "1.2.0-beta.1", "1.1.0"]
    assert versions("preReleaseTag=^beta") == ["1.2.0-beta.1"]
    assert versions("preReleaseTag=^$&versionRange=(,1.5]") == ["1.1.0", "1.0.0"]
    assert versions("filter=1.1") == ["1.10.0", "1.1.0"]
    for wrong in ("packageId=A&versionRange=[", "packageId=A&preReleaseTag=(", "x=1"):
        answer = ana.get(f"/api/feeds/feeds-builtin/packages/versions?{wrong}")
        assert answer.status_code == 400


def test_packages_of_a_feed(ana: Client) -> None:
    make_package("Acme.Web", "1.0.0", title="The site")
    make_package("Acme.Web", "2.0.0")
    make_package("Acme.Core", "1.0.0")
    base = "/api/feeds/feeds-builtin/packages"

    def found(query: str) -> list[str]:
        rows = ana.get(f"{base}?{query}").json()
        return [f"{row['PackageId']} {row['Version']}" for row in rows]

    assert found("packageId=acme.web") == ["Acme.Web 2.0.0"]
    several = "packageId=acme.web&includeMultipleVersions=true&take=10"
    assert found(several) == ["Acme.Web 2.0.0", "Acme.Web 1.0.0"]
    assert found("packageId=acme&partialMatch=true") == ["Acme.Core 1.0.0", "Acme.Web 2.0.0"]
    search = ana.get(f"{base}/search?term=web").json()
    assert [item["Id"] for item in search["Items"]] == ["Acme.Web"]
    assert search["Items"][0]["LatestVersion"] == "2.0.0"
    stats = ana.get("/api/feeds/stats").json()
    assert stats["TotalPackages"] == 3


def test_a_long_list_costs_few_queries(ana: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        make_package(f"P{number}", content=b"same")
    with django_assert_max_num_queries(14):
        assert len(ana.get("/api/packages?take=30").json()["Items"]) == 30


def test_a_nupkg_may_have_any_file_name(ana: Client) -> None:
    answer = upload(ana, "anything.nupkg", nupkg("Acme", "1.0.0"))
    assert answer.json()["Id"] == "packages-Acme.1.0.0"
