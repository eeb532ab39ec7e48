"""The pages of the built-in feed."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from packages_feed.queries import find_version
from tests.factories import (
    default_space,
    give_role,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
    make_user,
)
from tests.factories.domain import make_package, make_project, make_release, package_step
from tests.factories.packages import make_package as make_nupkg
from tests.factories.people import as_person
from tests.factories.runbooks import make_runbook, make_snapshot
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def _zip(name: str) -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hello.txt", "hello")
    return SimpleUploadedFile(name, buffer.getvalue())


def test_the_list_shows_the_newest_version_of_each() -> None:
    make_package("Acme.Web", "1.9.0")
    make_package("Acme.Web", "1.10.0")
    make_package("Acme.Schema", "0.1.0")
    ana = Visitor(make_ana())
    text = text_of(ana.get("packages"))
    assert "Acme.Web 1.10.0 2" in text
    assert "dotnet nuget push" in text
    assert "Acme.Web" not in [
        row.package_id for row in ana.get("packages", {"q": "schema"}).context["page"]
    ]


def test_a_search_finds_words_of_ids_titles_descriptions_and_tags_the_id_first() -> None:
    make_nupkg("Acme.Tools", "1.0.0", tags="prices", description="Reads files of the web shop")
    make_nupkg("Acme.Web", "1.0.0", title="The shop")
    ana = Visitor(make_ana())

    def found(words: str) -> list[str]:
        page = ana.get("packages", {"q": words}).context["page"]
        return [row.package_id for row in page]

    assert found("web") == ["Acme.Web", "Acme.Tools"]
    assert found("acme.web") == ["Acme.Web"]
    assert found("files PRICES") == ["Acme.Tools"]
    assert found("shop") == ["Acme.Tools", "Acme.Web"]
    assert found("files nothing") == []
    assert "No package has “files nothing”" in text_of(ana.get("packages", {"q": "files nothing"}))


def test_a_package_shows_versions_and_users() -> None:
    make_package("Acme.Web", "1.0.0")
    make_project("Storefront", steps=[package_step("Acme.Web")])
    ana = Visitor(make_ana())
    text = text_of(ana.get("packages/acme.web"))
    assert "Storefront" in text
    assert "1.0.0 .zip" in text
    assert ana.get("packages/none").status_code == 404


def test_a_version_says_what_uses_it_to_those_who_may_see_that() -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        make_package("Acme.Web", version)
    project = make_project("Storefront", steps=[package_step("acme.web")])
    for _ in range(3):
        make_release(project, package_version="1.1.0")
    runbook = make_runbook(make_project("Tools"), "Clean", package_step("Acme.Web"))
    make_snapshot(runbook, name="Winter", package_version="1.1.0")
    text = text_of(Visitor(make_ana()).get("packages/Acme.Web"))
    assert "release 0.0.3 of Storefront and 2 more, Winter of the runbook Clean" in text
    assert "It is used by release 0.0.3 of Storefront and 2 more" in text
    assert text.count("Storefront and 2 more") == 2
    user = make_user()
    give_role(user, "userroles-packagepublisher", default_space())
    stranger = text_of(Visitor(as_person(user)).get("packages/Acme.Web"))
    assert "1.1.0 .zip" in stranger
    assert "Storefront" not in stranger


def test_an_upload_is_stored_or_refused_with_reasons() -> None:
    ana = Visitor(make_ana())
    sent = {"file": _zip("Acme.Web.1.0.0.zip"), "mode": "FailIfExists"}
    page = "/app/Spaces-1/packages/Acme.Web/1.0.0"
    assert ana.post("packages/upload", sent)["Location"] == page
    assert "Acme.Web 1.0.0 was added to the feed." in text_of(ana.get(page))
    assert find_version(default_space(), "Acme.Web", "1.0.0")
    again = ana.post("packages/upload", {**sent, "file": _zip("Acme.Web.1.0.0.zip")})
    assert again.status_code == 400
    assert "already exists" in text_of(again)
    assert "Choose a file." in text_of(ana.post("packages/upload", {"mode": ""}))


def test_versions_are_deleted_by_those_who_may() -> None:
    make_package("Acme.Web", "1.0.0")
    space = default_space()
    path = "packages/Acme.Web/1.0.0/delete"
    assert Visitor(make_cleo(space)).post(path).status_code == 403
    assert Visitor(make_ben(space)).get("packages/upload").status_code == 403
    assert Visitor(make_dan(make_space())).get("packages").status_code == 404
    assert Visitor(make_ana()).post(path)["Location"] == "/app/Spaces-1/packages"
    assert find_version(space, "Acme.Web", "1.0.0") is None
