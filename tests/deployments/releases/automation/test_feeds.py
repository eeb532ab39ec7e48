"""External feed triggers: which new versions create a release, and what is told."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from deployments.base.settings_rows import set_setting
from deployments.projects.queries import default_channel
from deployments.projects.services.triggers import set_trigger_disabled
from deployments.releases.models import Release
from deployments.releases.services.automation.feeds import watch_feeds
from deployments.releases.services.automation.scheduled import run_due_schedules
from packages_feed.models import Feed
from packages_feed.services import asking
from packages_feed.services.external_feeds import FeedValues, create_feed
from packages_feed.sources import Source, source_at
from tests.factories.automation import Stream, decisions, make_trigger, set_disabled
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_package,
    make_project,
    package_step,
)
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space
from tests.packages_feed.sources.servers import serving

pytestmark = pytest.mark.django_db

NOW = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


class Shop:
    """A project with a package of a Maven repository, and one of the built-in feed."""

    def __init__(self, feed: Feed, versions: list[str]) -> None:
        self.versions = versions
        self.now = NOW
        steps = [package_step("com.acme:web", "Web"), package_step("Acme.Api", "Api")]
        for package in steps[0]["Actions"][0]["Packages"]:
            package["FeedId"] = feed.public_id
        steps[0]["Actions"][0]["Properties"]["Octopus.Action.Package.FeedId"] = feed.public_id
        self.environment = make_environment()
        self.project = make_project(lifecycle=make_lifecycle(self.environment), steps=steps)
        self.stream = Stream()

    def trigger(self, *steps: str, kind: str = "FeedFilter") -> Any:
        packages = [{"DeploymentAction": step, "PackageReference": ""} for step in steps]
        action = {
            "ActionType": "CreateRelease",
            "ChannelId": default_channel(self.project).public_id,
        }
        return make_trigger(self.project, {"FilterType": kind, "Packages": packages}, action)

    def scheduled(self) -> Any:
        nightly = {
            "FilterType": "OnceDailySchedule",
            "StartTime": "2026-01-01T02:30:00.000",
            "RunAfterTimeZoneId": "UTC",
        }
        action = {
            "ActionType": "DeployNewRelease",
            "EnvironmentId": self.environment.public_id,
        }
        return make_trigger(self.project, nightly, action, clock=lambda: NOW)

    def watch(self) -> None:
        self.now += timedelta(minutes=5)
        watch_feeds(clock=lambda: self.now)

    def releases(self) -> list[str]:
        rows = Release.objects.in_space(default_space()).order_by("pk")
        return [
            ", ".join(f"{row.package_id} {row.version}" for row in each.selected_packages.all())
            for each in rows
        ]


@pytest.fixture
def shop() -> Iterator[Shop]:
    versions = ["1.0"]

    def answer(path: str, headers: Any) -> Any:
        if not versions:
            return 500, {}, b""
        listed = "".join(f"<version>{version}</version>" for version in versions)
        return 200, {}, f"<metadata><versions>{listed}</versions></metadata>".encode()

    set_setting("http_request.allow_loopback", value=True)
    with serving(answer) as served:
        feed = create_feed(
            actor=SYSTEM,
            space=default_space(),
            feed_type="Maven",
            values=FeedValues("Repository", served.url),
        )
        make_package("Acme.Api", "5.0.0")
        yield Shop(feed, versions)


def test_a_new_version_creates_a_release_and_what_was_there_does_not(shop: Shop) -> None:
    shop.trigger("Web")
    shop.watch()
    shop.watch()
    assert shop.releases() == []
    shop.versions.append("1.1")
    shop.watch()
    shop.watch()
    assert shop.releases() == ["com.acme:web 1.1, Acme.Api 5.0.0"]
    release = Release.objects.in_space(default_space()).get()
    assert decisions(shop.project) == [("Created", f"Release {release.version} was created.")]


def test_older_versions_and_pre_releases_create_nothing(shop: Shop) -> None:
    shop.trigger("Web")
    shop.watch()
    shop.versions += ["0.9", "2.0-rc.1"]
    shop.watch()
    assert (shop.releases(), decisions(shop.project)) == ([], [])


def test_what_is_newer_is_judged_as_the_feed_orders_it(shop: Shop) -> None:
    shop.trigger("Web")
    shop.watch()
    for version in ("2.0.0.CR1", "1.10.Final", "1.9.1", "2.0.0.Final", "2.0-SNAPSHOT"):
        shop.versions.append(version)
        shop.watch()
    assert [text.partition(",")[0] for text in shop.releases()] == [
        "com.acme:web 1.10.Final",
        "com.acme:web 2.0.0.Final",
    ]


def test_a_feed_that_fails_is_told_once_and_misses_nothing(shop: Shop) -> None:
    shop.trigger("Web")
    shop.watch()
    shop.versions.clear()
    shop.watch()
    shop.watch()
    [(outcome, reason)] = decisions(shop.project)
    assert (outcome, "status 500" in reason) == ("Waiting", True)
    shop.versions += ["1.0", "1.2"]
    shop.watch()
    shop.watch()
    assert shop.releases() == ["com.acme:web 1.2, Acme.Api 5.0.0"]


def test_packages_of_both_feeds_are_waited_for(shop: Shop) -> None:
    shop.trigger("Web", "Api", kind="ArcFeedFilter")
    shop.stream.deliver("feed-triggers")
    shop.watch()
    shop.versions.append("6.0.0")
    shop.watch()
    assert shop.releases() == []
    assert decisions(shop.project)[0] == ("Waiting", "It waits for version 6.0.0 of Acme.Api.")
    make_package("Acme.Api", "6.0.0")
    shop.stream.deliver("feed-triggers")
    assert shop.releases() == ["com.acme:web 6.0.0, Acme.Api 6.0.0"]


def test_a_pause_is_not_made_up_for(shop: Shop) -> None:
    trigger = shop.trigger("Web")
    shop.watch()
    set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=True)
    shop.versions.append("1.1")
    shop.watch()
    set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=False)
    shop.watch()
    assert shop.releases() == []
    shop.versions.append("1.2")
    shop.watch()
    assert shop.releases() == ["com.acme:web 1.2, Acme.Api 5.0.0"]


def test_what_came_while_the_project_was_disabled_is_not_new(shop: Shop) -> None:
    shop.trigger("Web")
    shop.watch()
    set_disabled(shop.project, is_disabled=True)
    shop.versions += ["1.1", "1.2"]
    shop.watch()
    set_disabled(shop.project, is_disabled=False)
    shop.watch()
    shop.watch()
    assert (shop.releases(), decisions(shop.project)) == ([], [])
    shop.versions.append("1.3")
    shop.watch()
    assert shop.releases() == ["com.acme:web 1.3, Acme.Api 5.0.0"]


def test_a_change_of_a_project_that_stays_enabled_forgets_nothing(shop: Shop) -> None:
    shop.trigger("Web")
    shop.watch()
    shop.versions.append("1.1")
    set_disabled(shop.project, is_disabled=False)
    shop.watch()
    assert shop.releases() == ["com.acme:web 1.1, Acme.Api 5.0.0"]


def test_what_a_feed_tells_at_its_first_answer_is_not_new(shop: Shop) -> None:
    shop.trigger("Web")
    shop.versions.clear()
    shop.watch()
    shop.versions += ["1.0"]
    shop.watch()
    shop.watch()
    assert shop.releases() == []
    shop.versions += ["1.1"]
    shop.watch()
    assert shop.releases() == ["com.acme:web 1.1, Acme.Api 5.0.0"]


def test_a_schedule_asks_feeds_before_its_transaction(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = shop.scheduled()
    depths = []

    def noting(feed: Feed) -> Source:
        depths.append(len(connection.savepoint_ids))
        return source_at(asking.place_of(feed))

    monkeypatch.setattr(asking, "source_of", noting)
    outside = len(connection.savepoint_ids)
    assert trigger.next_run is not None
    due = trigger.next_run
    assert run_due_schedules(clock=lambda: due) == 1
    assert depths == [outside]
    assert shop.releases() == ["com.acme:web 1.0, Acme.Api 5.0.0"]
