"""The page of one version, its icon, readme and licence; deleting several versions."""

import io

import pytest
from pytest_django import DjangoAssertNumQueries

from deployments.base.models import Event
from packages_feed.models import PackageVersion
from packages_feed.queries import find_version
from packages_feed.services import store_package
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
from tests.factories.domain import make_package as make_zip
from tests.factories.domain import make_project, make_release, package_step
from tests.factories.packages import make_package, nuspec, zip_of
from tests.factories.people import SYSTEM, as_person
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PAGE = "packages/Acme.Web/1.0.0"
EXTRA = (
    "<icon>images\\icon.png</icon><readme>docs/README.md</readme>"
    '<license type="file">LICENSE</license>'
    '<dependencies><group targetFramework="net6.0"><dependency id="Acme.Core" version="[1.2,2.0)"/>'
    "</group></dependencies>"
)


def push(files: dict[str, bytes], *, extra: str = EXTRA, **texts: str) -> PackageVersion:
    """Push Acme.Web 1.0.0 with these files in it."""
    data = zip_of({"Acme.Web.nuspec": nuspec("Acme.Web", "1.0.0", extra=extra, **texts), **files})
    return store_package(
        actor=SYSTEM, space=default_space(), file=io.BytesIO(data), file_name="package"
    ).version


def test_a_version_shows_what_the_package_says_and_no_scripts() -> None:
    row = push(
        {
            "images/icon.png": PNG,
            "docs/README.md": b"**bold** <script>alert(1)</script> [x](javascript:alert(1))",
            "LICENSE": b"Do what you like.",
        },
        releaseNotes="* faster",
        projectUrl="https://example.com/web",
        licenseUrl="javascript:alert(1)",
    )
    answer = Visitor(make_ana()).get(PAGE)
    html = answer.content.decode()
    assert "<strong>bold</strong>" in html
    assert "<script>alert" not in html
    assert 'href="javascript:' not in html
    assert "<li>faster</li>" in html
    assert 'href="https://example.com/web"' in html
    assert f"/icon?sha256={row.blob_id}" in html
    text = text_of(answer)
    for words in ("Acme.Core", "[1.2.0, 2.0.0)", "net6.0", "Do what you like.", row.blob_id):
        assert words in text


def test_the_icon_is_an_image_and_nothing_else() -> None:
    row = push({"images/icon.png": PNG})
    ana = Visitor(make_ana())
    answer = ana.get(f"{PAGE}/icon", {"sha256": row.blob_id})
    assert (answer.content, answer["Content-Type"]) == (PNG, "image/png")
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert ana.get(f"{PAGE}/icon")["Cache-Control"] == "private, no-cache"
    assert ana.get(f"{PAGE}/icon", {"sha256": "0" * 64})["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(1024 * 1024),
        None,
    ],
)
def test_what_is_no_image_or_too_large_is_no_icon(content: bytes | None) -> None:
    push({} if content is None else {"images/icon.png": content})
    assert Visitor(make_ana()).get(f"{PAGE}/icon").status_code == 404


@pytest.mark.parametrize("named", ["../../etc/passwd", "/etc/passwd", "Acme.Web.nuspec", ""])
def test_a_name_reaches_only_what_is_in_the_package(named: str) -> None:
    push({}, extra=f"<icon>{named}</icon><readme>{named}</readme>")
    ana = Visitor(make_ana())
    assert ana.get(f"{PAGE}/icon").status_code == 404
    assert "root:" not in ana.get(PAGE).content.decode()


def test_a_version_whose_file_is_gone_is_shown_without_it(storage: FileStorage) -> None:
    row = push({"images/icon.png": PNG, "docs/README.md": b"Hello"})
    storage.delete(row.blob_id)
    ana = Visitor(make_ana())
    assert ana.get(PAGE).status_code == 200
    assert ana.get(f"{PAGE}/icon").status_code == 404


def test_an_archive_that_says_nothing_has_a_page() -> None:
    make_zip("Acme.Files", "2.0.0")
    text = text_of(Visitor(make_ana()).get("packages/acme.files/2.0"))
    assert "Archives of this kind say nothing of themselves." in text


def test_who_may_not_download_sees_no_content() -> None:
    push({"images/icon.png": PNG, "docs/README.md": b"Hello readers"})
    space, user = default_space(), make_user()
    give_role(user, "userroles-environmentmanager", space)
    person = Visitor(as_person(user))
    assert "Hello readers" in text_of(Visitor(make_ana()).get(PAGE))
    status = person.get(PAGE).status_code
    assert status in {200, 403}
    if status == 200:
        assert "Hello readers" not in text_of(person.get(PAGE))
    assert person.get(f"{PAGE}/icon").status_code == 403
    assert Visitor(make_dan(make_space())).get(PAGE).status_code == 404


def test_a_version_is_hidden_and_shown_again() -> None:
    push({})
    ana, path = Visitor(make_ana()), f"{PAGE}/listed"
    assert Visitor(make_cleo(default_space())).post(path).status_code == 403
    assert ana.post(path)["Location"] == f"/app/Spaces-1/{PAGE}"
    assert "Unlisted" in text_of(ana.get(PAGE))
    ana.post(path, {"listed": "on"})
    assert "Unlisted" not in text_of(ana.get(PAGE))


def test_several_versions_are_deleted_after_a_question_that_says_who_uses_them() -> None:
    for number in range(3):
        make_zip("Acme.Web", f"1.{number}.0")
    project = make_project("Storefront", steps=[package_step("Acme.Web")])
    make_release(project, package_version="1.1.0")
    ana, path = Visitor(make_ana()), "packages/Acme.Web/delete"
    chosen = {"version": ["1.0.0", "1.1.0", "1.1.0", "9.9.9"]}
    text = text_of(ana.get(path, chosen))
    assert "Delete 2 versions of Acme.Web?" in text
    assert "release 0.0.1 of Storefront" in text
    assert find_version(default_space(), "Acme.Web", "1.0.0")
    assert Visitor(make_cleo(default_space())).post(path, chosen).status_code == 403
    assert ana.post(path, chosen)["Location"] == "/app/Spaces-1/packages/Acme.Web"
    left = PackageVersion.objects.in_space(default_space()).values_list("version", flat=True)
    assert list(left) == ["1.2.0"]
    assert Event.objects.filter(category="Deleted", message__startswith="Package").count() == 2
    assert ana.post(path, {"version": "1.2.0"})["Location"] == "/app/Spaces-1/packages"


def test_choosing_nothing_says_so() -> None:
    make_zip("Acme.Web", "1.0.0")
    ana = Visitor(make_ana())
    assert ana.get("packages/Acme.Web/delete")["Location"] == "/app/Spaces-1/packages/Acme.Web"
    assert "Choose the versions" in text_of(ana.get("packages/Acme.Web"))


def test_the_package_links_to_its_versions() -> None:
    make_package("Acme.Web", "1.0.0-rc.1+build1")
    ana = Visitor(make_ana())
    html = ana.get("packages/Acme.Web").content.decode()
    assert 'href="/app/Spaces-1/packages/Acme.Web/1.0.0-rc.1%2Bbuild1"' in html
    assert ana.get("packages/Acme.Web/1.0.0-rc.1%2Bbuild1").status_code == 200


def test_a_page_asks_the_database_as_often_for_many_versions_as_for_few(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    push({"docs/README.md": b"Hello"})
    ana = Visitor(make_ana())
    ana.get(PAGE)
    with django_assert_max_num_queries(20) as few:
        ana.get(PAGE)
    for number in range(12):
        make_package("Acme.Web", f"2.{number}.0")
    with django_assert_max_num_queries(len(few)):
        ana.get(PAGE)
    with django_assert_max_num_queries(25):
        ana.get("packages/Acme.Web/delete", {"version": ["2.1.0", "2.2.0"]})
