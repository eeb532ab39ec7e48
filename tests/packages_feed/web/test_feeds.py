"""The pages of external feeds."""

from collections.abc import Iterator
from typing import Any

import pytest

from deployments.base.settings_rows import set_setting
from deployments.projects.queries import process_of, read_process
from packages_feed.models import Feed
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import make_project, package_step
from tests.factories.people import as_person, give_role, make_user
from tests.packages_feed.sources.servers import files, serving
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db

METADATA = (
    b"<metadata><versions><version>1.0</version><version>1.1-rc</version></versions></metadata>"
)


@pytest.fixture
def address() -> Iterator[str]:
    set_setting("http_request.allow_loopback", value=True)
    with serving(files({"/com/acme/web/maven-metadata.xml": METADATA})) as served:
        yield served.url


def add(ana: Visitor, address: str) -> Feed:
    form = {"name": "Repository", "uri": address, "username": "bot", "password": "hush-hush"}
    assert ana.post("feeds/new/Maven", form).status_code == 302
    return Feed.objects.in_space(default_space()).get(name="Repository")


def test_a_feed_is_added_tried_and_deleted(address: str) -> None:
    ana = Visitor(make_ana())
    assert "container registries" in text_of(ana.get("feeds"))
    feed = add(ana, address)
    page = f"feeds/{feed.public_id}"
    assert "Try the feed" in text_of(ana.get(page))
    assert "com.acme:web" in text_of(ana.get(page, {"q": "com.acme:web"}))
    assert "1.1-rc Pre-release 1.0 Stable" in text_of(ana.get(page, {"package": "com.acme:web"}))
    assert "has nothing at" in text_of(ana.get(page, {"package": "com.acme:none"}))
    assert "Repository Maven repository" in text_of(ana.get("feeds"))
    assert ana.post(f"{page}/test", {}).status_code == 302
    assert "It answers, but does not show its root (404)" in text_of(ana.get(page))
    Feed.objects.in_space(default_space()).filter(pk=feed.pk).update(uri="http://127.0.0.1:9/m2")
    assert ana.post(f"{page}/test", {}).status_code == 302
    assert "The test failed: 127.0.0.1:9 cannot be asked" in text_of(ana.get(page))
    assert ana.post(f"{page}/delete", {}).status_code == 302
    assert ana.get(page).status_code == 404


def test_an_edit_keeps_the_password_only_for_the_same_address(address: str) -> None:
    ana = Visitor(make_ana())
    feed = add(ana, address)
    page = f"feeds/{feed.public_id}/edit"
    shown = ana.get(page).content.decode()
    assert "hush-hush" not in shown
    kept = {"name": "Artifacts", "uri": address, "username": "bot", "password": ""}
    assert ana.post(page, kept).status_code == 302
    moved = ana.post(page, {**kept, "uri": "https://elsewhere.example.com"})
    assert moved.status_code == 400
    assert "Enter the password again" in text_of(moved)
    gone = {**kept, "username": "", "no_password": "on"}
    assert ana.post(page, gone).status_code == 302
    feed.refresh_from_db()
    assert (feed.name, feed.sealed_password) == ("Artifacts", None)


def test_bad_addresses_come_back_with_the_reason() -> None:
    ana = Visitor(make_ana())
    answer = ana.post("feeds/new/NuGet", {"name": "x", "uri": "gopher://example.com"})
    assert answer.status_code == 400
    assert "must be one of http or https" in text_of(answer)
    assert ana.get("feeds/new/Nothing").status_code == 404


def test_a_step_chooses_its_feed_and_keeps_it_from_being_deleted(address: str) -> None:
    ana = Visitor(make_ana())
    project = make_project("Storefront", steps=[package_step("Acme.Web")])
    feed = add(ana, address)
    process = f"projects/{project.slug}/process"
    step = read_process(process_of(project)).steps[0].actions[0].id
    assert "Repository" in text_of(ana.get(process, {"step": step}))
    make_project("Other", steps=[_step_of(feed)])
    ana.post(f"feeds/{feed.public_id}/delete")
    assert "is used by Other" in text_of(ana.get(f"feeds/{feed.public_id}"))


def _step_of(feed: Feed) -> dict[str, Any]:
    step = package_step("com.acme:web")
    step["Actions"][0]["Packages"][0]["FeedId"] = feed.public_id
    return step


def test_projects_that_the_reader_may_not_see_are_only_counted(address: str) -> None:
    ana = Visitor(make_ana())
    feed = add(ana, address)
    step = _step_of(feed)
    Feed.objects.in_space(default_space()).filter(pk=feed.pk).update(name="Acme packages")
    step["Actions"][0]["Packages"][0]["FeedId"] = "ACME Packages"
    make_project("Secret plans", steps=[step])
    reader = make_user()
    scopes = {"project": [make_project("Mine", steps=[_step_of(feed)]).public_id]}
    give_role(reader, "userroles-projectlead", default_space(), scopes)
    shown = text_of(Visitor(as_person(reader)).get(f"feeds/{feed.public_id}"))
    assert "Mine and 1 project that you may not see" in shown
    assert "Secret plans" not in shown
    assert "Secret plans" in text_of(ana.get(f"feeds/{feed.public_id}"))


def test_who_may(address: str) -> None:
    feed = add(Visitor(make_ana()), address)
    for person, reads in (
        (make_ben(default_space()), 200),
        (make_cleo(default_space()), 403),
        (make_dan(make_space()), 404),
    ):
        visitor = Visitor(person)
        assert visitor.get(f"feeds/{feed.public_id}").status_code == reads
        assert visitor.get("feeds/new/Maven").status_code in {403, 404}
        assert visitor.post(f"feeds/{feed.public_id}/delete", {}).status_code in {403, 404}
