"""What build servers tell about versions, and who may tell it."""

from typing import Any

import pytest
from django.test import Client

from packages_feed.models import BuildInformation
from packages_feed.queries import build_information_for
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.packages import make_package

pytestmark = pytest.mark.django_db

PATH = "/api/Spaces-1/build-information"
STORY = {"BuildNumber": "7", "Branch": "main", "Commits": [{"Id": "abc", "Comment": "Fix it"}]}


def push(client: Client, version: str = "1.0.0", query: str = "", **story: Any) -> Any:
    body = {
        "PackageId": "Acme.Web",
        "Version": version,
        "OctopusBuildInformation": {**STORY, **story},
    }
    return client.post(PATH + query, body, content_type="application/json")


def test_it_may_come_before_the_package() -> None:
    ana = make_ana().api
    assert push(ana).status_code == 201
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Web", "2.0.0")
    page = ana.get("/api/Spaces-1/packages?nuGetPackageId=acme.web").json()
    told = [row["PackageVersionBuildInformation"] for row in page["Items"]]
    assert told[0] is None
    assert told[1]["Commits"] == [{"Id": "abc", "Comment": "Fix it", "LinkUrl": None}]


@pytest.mark.parametrize(
    ("query", "status", "branch"),
    [
        ("", 409, "main"),
        ("?overwriteMode=FailIfExists", 409, "main"),
        ("?overwriteMode=IgnoreIfExists", 200, "main"),
        ("?overwriteMode=OverwriteExisting", 201, "other"),
    ],
)
def test_modes(query: str, status: int, branch: str) -> None:
    ana = make_ana().api
    push(ana)
    assert push(ana, "1.0.0.0", query, Branch="other").status_code == status
    assert BuildInformation.objects.unscoped(reason="a test").get().document["Branch"] == branch


def test_versions_of_other_feeds_have_builds_too() -> None:
    ana, space = make_ana().api, default_space()
    told = ("19.0.0.Final", "3.12-slim_2", "1.0")
    assert [push(ana, version).status_code for version in told] == [201] * 3
    assert push(ana, "19.0.0.Final").status_code == 409
    page = ana.get(f"{PATH}?packageId=Acme.Web").json()
    assert [row["Version"] for row in page["Items"]] == list(told)
    asked = [("acme.web", "19.0.0.Final"), ("acme.web", "19.0.0.final"), ("acme.web", "1.0.0")]
    assert list(build_information_for(space, asked)) == [asked[0], asked[2]]


@pytest.mark.parametrize("version", ["", "a b", "latest", "1.0/2", "x" * 351, ".".join("1" * 170)])
def test_what_is_no_version_is_refused(version: str) -> None:
    answer = push(make_ana().api, version)
    assert (answer.status_code, "Version" in str(answer.json())) == (400, True)


def test_who_may() -> None:
    space = default_space()
    ana, ben, cleo = make_ana().api, make_ben(space).api, make_cleo(space).api
    dan = make_dan(make_space()).api
    own = push(ana).json()["Links"]["Self"]
    assert [push(one, "2.0.0").status_code for one in (ben, cleo, dan)] == [403, 403, 404]
    assert [one.get(own).status_code for one in (ben, cleo, dan)] == [200, 404, 404]
    assert [one.get(PATH).status_code for one in (ben, cleo, dan)] == [200, 200, 404]
    assert [one.delete(own).status_code for one in (ben, cleo, dan)] == [403, 404, 404]
    bulk = f"{PATH}/bulk?ids={own.rpartition('/')[2]},BuildInformation-999999999"
    assert [one.delete(bulk).status_code for one in (ben, cleo, dan)] == [403, 403, 404]
    assert ana.delete(bulk).status_code == 200
    assert ana.get(own).status_code == 404
    assert ana.get(PATH).json()["TotalResults"] == 0
