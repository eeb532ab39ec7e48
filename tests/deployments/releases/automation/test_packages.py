"""Feed triggers: which arrivals create a release, and why others do not."""

from typing import Any

import pytest

from deployments.projects.models import Channel
from deployments.projects.queries import default_channel
from deployments.releases.models import Release
from packages_feed.queries import find_version
from packages_feed.services import delete_version
from tests.factories import SYSTEM
from tests.factories.automation import Stream, decisions, make_trigger, set_disabled
from tests.factories.domain import (
    make_channel,
    make_environment,
    make_lifecycle,
    make_package,
    make_process,
    make_project,
    make_release,
    package_step,
)

pytestmark = pytest.mark.django_db


class Shop:
    """A project of two packages."""

    def __init__(self) -> None:
        lifecycle = make_lifecycle(make_environment())
        steps = [package_step("Acme.Web", "Web"), package_step("Acme.Api", "Api")]
        self.project = make_project(lifecycle=lifecycle, steps=steps)
        self.stream = Stream()

    def trigger(
        self, *steps: str, kind: str = "ArcFeedFilter", channel: Channel | None = None
    ) -> Any:
        packages = [{"DeploymentAction": step, "PackageReference": ""} for step in steps]
        action = {
            "ActionType": "CreateRelease",
            "ChannelId": (channel or default_channel(self.project)).public_id,
        }
        return make_trigger(
            self.project, {"FilterType": kind, "Packages": packages}, action, name=f"{steps}{kind}"
        )

    def push(self, package_id: str, version: str) -> None:
        make_package(package_id, version)
        self.stream.deliver("feed-triggers")

    def releases(self) -> list[dict[str, str]]:
        rows = Release.objects.in_space(self.project.space).filter(project=self.project)
        return [
            dict(row.selected_packages.values_list("package_id", "version"))
            for row in rows.order_by("pk")
        ]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_package_creates_a_release_with_the_newest_of_the_others(shop: Shop) -> None:
    shop.push("Acme.Api", "3.0.0")
    shop.push("Acme.Api", "4.0.0-beta")
    shop.trigger("Web")
    shop.push("Acme.Web", "1.0.0")
    assert shop.releases() == [{"Acme.Web": "1.0.0", "Acme.Api": "3.0.0"}]
    ((outcome, reason),) = decisions(shop.project)
    assert (outcome, reason) == ("Created", "Release 0.0.1 was created.")


def test_all_packages_of_the_trigger_are_waited_for_in_any_order(shop: Shop) -> None:
    shop.trigger("Web", "Api")
    shop.push("Acme.Web", "1.0.0")
    assert decisions(shop.project) == [("Waiting", "It waits for version 1.0.0 of Acme.Api.")]
    shop.push("Acme.Api", "0.9.0")
    shop.push("Acme.Api", "1.0.0")
    assert shop.releases() == [{"Acme.Web": "1.0.0", "Acme.Api": "1.0.0"}]
    assert [outcome for outcome, _ in decisions(shop.project)] == ["Waiting", "Waiting", "Created"]


def test_any_new_version_is_enough_where_wanted(shop: Shop) -> None:
    shop.push("Acme.Api", "1.0.0")
    shop.trigger("Web", "Api", kind="FeedFilter")
    shop.push("Acme.Web", "1.0.0")
    shop.push("Acme.Api", "2.0.0")
    assert shop.releases() == [
        {"Acme.Web": "1.0.0", "Acme.Api": "1.0.0"},
        {"Acme.Web": "1.0.0", "Acme.Api": "2.0.0"},
    ]


def test_a_version_that_is_older_used_or_not_admitted_creates_nothing(shop: Shop) -> None:
    for package in ("Acme.Api", "Acme.Web"):
        shop.push(package, "1.0.0")
    make_release(shop.project, "1.0.0")
    shop.trigger("Web")
    shop.push("Acme.Web", "0.9.0")
    shop.push("Acme.Web", "2.0.0-beta")
    assert len(shop.releases()) == 1
    assert decisions(shop.project) == [
        ("Nothing", "Acme.Web has a newer version, 1.0.0."),
        (
            "Nothing",
            "The channel Default does not choose Acme.Web 2.0.0-beta for the step Web by itself.",
        ),
    ]


def test_the_rules_of_the_channel_decide(shop: Shop) -> None:
    rule = {
        "Tag": "^beta",
        "ActionPackages": [{"DeploymentAction": "Web", "PackageReference": ""}],
    }
    beta = make_channel(shop.project, "Beta", rules=[rule])
    shop.push("Acme.Api", "1.0.0")
    shop.trigger("Web", channel=beta)
    shop.push("Acme.Web", "2.0.0")
    shop.push("Acme.Web", "2.0.0-beta.1")
    assert shop.releases() == [{"Acme.Web": "2.0.0-beta.1", "Acme.Api": "1.0.0"}]


def test_a_version_that_a_release_has_already_creates_no_other(shop: Shop) -> None:
    shop.push("Acme.Api", "1.0.0")
    shop.push("Acme.Web", "1.0.0")
    make_release(shop.project, "1.0.0")
    shop.trigger("Web", "Api")
    shop.push("Acme.Web", "2.0.0")
    make_release(shop.project, "2.0.0")
    shop.push("Acme.Api", "2.0.0")
    assert len(shop.releases()) == 2
    assert decisions(shop.project)[-1] == ("Nothing", "Release 2.0.0 has this version already.")


def test_what_a_release_cannot_be_made_from_is_refused_aloud(shop: Shop) -> None:
    shop.trigger("Web")
    shop.push("Acme.Web", "1.0.0")
    ((outcome, reason),) = decisions(shop.project)
    assert outcome == "Refused"
    assert "Acme.Api" in reason
    assert shop.releases() == []


def test_a_package_that_cannot_come_any_more_is_told_not_left_out(shop: Shop) -> None:
    shop.trigger("Web", "Api")
    make_process(shop.project, package_step("Acme.Web", "Web"))
    shop.push("Acme.Web", "1.0.0")
    ((outcome, reason),) = decisions(shop.project)
    assert outcome == "Refused"
    assert "for the package of Api" in reason
    assert shop.releases() == []


def test_a_package_that_was_deleted_before_its_turn_is_told(shop: Shop) -> None:
    shop.trigger("Web")
    for package in ("Acme.Web", "Acme.Other"):
        make_package(package, "1.0.0")
        version = find_version(shop.project.space, package, "1.0.0")
        assert version
        delete_version(actor=SYSTEM, version=version)
    shop.stream.deliver("feed-triggers")
    assert decisions(shop.project) == [
        ("Nothing", "The package was deleted before a release could be made of it.")
    ]


def test_packages_of_others_are_not_worth_a_word(shop: Shop) -> None:
    shop.trigger("Web")
    shop.push("Acme.Other", "1.0.0")
    assert decisions(shop.project) == []


def test_the_older_setting_of_a_project_is_followed(shop: Shop) -> None:
    """`AutoCreateRelease` and `ReleaseCreationStrategy`, as clients still send them."""
    shop.push("Acme.Api", "1.0.0")
    package = {"DeploymentAction": "Web", "PackageReference": ""}
    shop.project.extra = {
        "AutoCreateRelease": True,
        "ReleaseCreationStrategy": {"ChannelId": None, "ReleaseCreationPackage": package},
    }
    shop.project.save()
    shop.push("Acme.Web", "1.0.0")
    assert shop.releases() == [{"Acme.Web": "1.0.0", "Acme.Api": "1.0.0"}]
    assert [outcome for outcome, _ in decisions(shop.project)] == ["Created"]
    shop.project.extra = {**shop.project.extra, "AutoCreateRelease": False}
    shop.project.save()
    shop.push("Acme.Web", "2.0.0")
    assert len(shop.releases()) == 1


def test_what_came_while_the_project_was_disabled_is_not_new(shop: Shop) -> None:
    shop.trigger("Web")
    shop.push("Acme.Api", "3.0.0")
    set_disabled(shop.project, is_disabled=True)
    shop.push("Acme.Web", "1.0.0")
    shop.push("Acme.Web", "1.1.0")
    set_disabled(shop.project, is_disabled=False)
    shop.stream.deliver("feed-triggers")
    assert shop.releases() == []
    told = decisions(shop.project)
    assert [outcome for outcome, _ in told] == ["Refused", "Refused"]
    assert "disabled" in told[0][1]
    shop.push("Acme.Web", "1.2.0")
    assert shop.releases() == [{"Acme.Web": "1.2.0", "Acme.Api": "3.0.0"}]
