"""Packages and build information: what uses them, what goes in a pass, the page, the feed."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.clock import utc_now
from deployments.base.models import Event
from deployments.execution.services.retention.passing import run_retention
from deployments.projects.models import Project
from deployments.releases.models import ReleaseSelectedPackage
from deployments.releases.retention.package_facts import judged_packages, policy_of_packages
from deployments.releases.retention.package_use import PackageUse
from deployments.server_tasks.models import ServerTask
from packages_feed.models import BuildInformation, PackageVersion, StoredBlob
from packages_feed.queries import built_in_feed, find_feed
from packages_feed.services import change_built_in_feed, push_build_information
from tests.deployments.calls import S, send
from tests.deployments.execution.retention.test_passes import begin, log_of, run
from tests.factories import SYSTEM, default_space, make_ana, make_ben, make_cleo
from tests.factories.domain import (
    make_package,
    make_project,
    make_release,
    package_step,
    script_step,
)
from tests.factories.runbooks import make_runbook, make_snapshot
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "administration/retention"


@pytest.fixture
def days() -> int:
    change_built_in_feed(
        actor=SYSTEM, feed=built_in_feed(default_space()), name="Packages", unused_days=30
    )
    return 30


def make_old(**days: int) -> None:
    """Push Acme.Web in versions 1, 2, … and let them be so many days old."""
    for version, age in days.items():
        make_package("Acme.Web", f"{version[1:]}.0.0")
        rows = PackageVersion.objects.in_space(default_space())
        rows.filter(version=f"{version[1:]}.0.0").update(published=utc_now() - timedelta(days=age))


def deploying(name: str, package_id: str = "Acme.Web", version: str = "", **fields: Any) -> Project:
    step = package_step(package_id)
    step["Actions"][0]["Packages"][0] |= {"Version": version, **fields}
    return make_project(name, steps=[step])


def versions() -> list[str]:
    rows = PackageVersion.objects.in_space(default_space()).order_by("pk")
    return list(rows.values_list("version", flat=True))


def reasons() -> dict[str, str]:
    space = default_space()
    rows = PackageVersion.objects.in_space(space)
    found = judged_packages(rows, PackageUse(space), policy_of_packages(space), utc_now())
    return {each.candidate.name: each.words for each in found}


@pytest.mark.usefixtures("days")
def test_a_pass_deletes_old_versions_that_nothing_uses(
    django_capture_on_commit_callbacks: Any,
) -> None:
    make_old(v1=90, v2=90, v3=90, v4=10)
    make_release(deploying("Web"))
    release = make_release(deploying("Api"), package_version="2.0.0")
    with django_capture_on_commit_callbacks(execute=True):
        task = run()
    assert versions() == ["2.0.0", "4.0.0"]
    assert StoredBlob.objects.count() == 2
    gone = Event.objects.get(category="Deleted", subject_id="packages-Acme.Web.1.0.0")
    assert "deleted by retention (90 days old, 30 days are kept, and nothing" in gone.message
    text = log_of(task)
    assert "Acme.Web 1.0.0 deleted: 90 days old" in text
    assert "2 packages deleted, 2 kept." in text
    assert reasons()["Acme.Web 2.0.0"] == f"release {release.version} of Api uses it"


@pytest.mark.usefixtures("days")
def test_a_dry_run_of_packages_deletes_nothing_and_says_why() -> None:
    make_old(v1=90, v2=3)
    text = log_of(run(DryRun=True))
    assert "Acme.Web 1.0.0 would be deleted: 90 days old" in text
    assert "Acme.Web 2.0.0 kept: 3 days old" in text
    assert len(versions()) == 2


@pytest.mark.usefixtures("days")
@pytest.mark.parametrize("text", ["Packages", "FEEDS-BUILTIN", "Feeds-{pk}", "{slug}"])
def test_a_release_may_name_the_feed_in_any_way(text: str) -> None:
    make_old(v1=90)
    feed = built_in_feed(default_space())
    named = text.format(pk=feed.pk, slug=feed.slug)
    release = make_release(deploying("Web"))
    ReleaseSelectedPackage.objects.filter(release=release).update(feed_id=named)
    assert find_feed(default_space(), named) == feed
    assert reasons()["Acme.Web 1.0.0"] == f"release {release.version} of Web uses it"
    run()
    assert versions() == ["1.0.0"]


def test_without_a_number_of_days_packages_stay() -> None:
    make_old(v1=900)
    run()
    assert versions() == ["1.0.0"]


@pytest.mark.usefixtures("days")
def test_what_uses_a_version_is_said() -> None:
    make_old(**{f"v{number}": 90 for number in range(1, 9)})
    project = make_project("Shop", steps=[script_step()])
    step = package_step("acme.web", roles="")
    step["Actions"][0]["Properties"] = {"Octopus.Action.RunOnServer": "true"}
    runbook = make_runbook(project, "Clean", step)
    snapshot = make_snapshot(runbook, package_version="1.0.0")
    deploying("Pinned", version="2.0.0")
    deploying("Open", "#{Owner}.Web", version="8.0.0")
    deploying("Elsewhere", "#{Owner}.Shop", version="7.0.0")
    dynamic = make_release(deploying("Later", "Acme.#{Part}"), package_version="3.0.0")
    make_release(deploying("Others", "Other.#{Part}"), package_version="4.0.0")
    foreign = make_release(deploying("Foreign"), package_version="5.0.0")
    ReleaseSelectedPackage.objects.filter(release=foreign).update(feed_id="Feeds-999999999")
    unknown = make_release(deploying("Unknown"), package_version="6.0.0")
    ReleaseSelectedPackage.objects.filter(release=unknown).update(feed_id="#{Feed}")
    found = reasons()
    unused = "90 days old, 30 days are kept, and nothing uses it"
    assert found == {
        "Acme.Web 1.0.0": f"snapshot {snapshot.name} of the runbook Clean of Shop uses it",
        "Acme.Web 2.0.0": "the deployment process of Pinned uses it",
        "Acme.Web 3.0.0": f"release {dynamic.version} of Later may use it: the package id is known"
        " when it is deployed",
        "Acme.Web 4.0.0": unused,
        "Acme.Web 5.0.0": unused,
        "Acme.Web 6.0.0": f"release {unknown.version} of Unknown uses it",
        "Acme.Web 7.0.0": unused,
        "Acme.Web 8.0.0": "the deployment process of Open may use it: the package id is known when"
        " it is deployed",
    }
    run()
    assert versions() == ["1.0.0", "2.0.0", "3.0.0", "6.0.0", "8.0.0"]


@pytest.mark.usefixtures("days")
def test_judging_packages_takes_the_same_queries_for_any_number() -> None:
    project = deploying("Web")
    counts = []
    for part in ((1, 2), (3, 4, 5, 6)):
        make_old(**{f"v{number}": 90 for number in part})
        for number in part:
            make_release(project, package_version=f"{number}.0.0")
        with CaptureQueriesContext(connection) as captured:
            reasons()
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("days")
def test_build_information_goes_with_what_it_is_about() -> None:
    make_old(v1=90, v2=5)
    for package_id, version in (
        ("Acme.Web", "1.0.0"),
        ("Acme.Web", "2.0.0"),
        ("Acme.Web", "9.0.0"),
        ("Foreign", "1.0.0"),
        ("Foreign", "2.0.0"),
    ):
        push_build_information(
            actor=SYSTEM,
            space=default_space(),
            package_id=package_id,
            version=version,
            document={"BuildNumber": "7"},
        )
    rows = BuildInformation.objects.in_space(default_space())
    rows.update(created=utc_now() - timedelta(days=99))
    rows.filter(package_id="Foreign", version="2.0.0").update(
        created=utc_now() - timedelta(days=100)
    )
    text = log_of(run())
    left = [str(row) for row in rows.order_by("pk")]
    assert left == ["Acme.Web 2.0.0", "Foreign 1.0.0"]
    assert "Acme.Web 9.0.0 deleted: 99 days old, 30 days are kept" in text
    assert "Foreign 2.0.0 deleted: 100 days old, 100 days are kept" in text
    assert Event.objects.filter(message__startswith="Build information of Foreign 2.0.0").exists()


@pytest.mark.usefixtures("days")
def test_a_pass_goes_on_after_the_package_that_it_came_to() -> None:
    make_old(v1=90, v2=90)
    first = PackageVersion.objects.in_space(default_space()).order_by("pk")[0]
    task = begin()
    reached = {"Progress": {"after_package": first.pk, "kept_packages": 1}}
    ServerTask.objects.in_space(task.space).filter(pk=task.pk).update(arguments=reached)
    run_retention(task.pk)
    assert versions() == ["1.0.0"]
    assert "1 packages deleted, 1 kept." in log_of(task)


@pytest.mark.usefixtures("days")
def test_the_page_says_for_each_version_what_becomes_of_it() -> None:
    make_old(v1=90, v2=3)
    make_package("Other", "1.0.0")
    ana = Visitor(make_ana())
    page = text_of(ana.get(PAGE, {"of": "packages"}))
    assert "All packages 3 Would be deleted 1 Kept 2" in page
    assert "Acme.Web 1.0.0 Would be deleted 90 days old, 30 days are kept, and nothing" in page
    found = text_of(ana.get(PAGE, {"of": "packages", "q": "OTHER"}))
    assert "All packages 1" in found
    assert "No package of the feed is in this list" in text_of(
        ana.get(PAGE, {"of": "packages", "q": "nothing"})
    )


def test_the_days_are_set_on_the_page_and_refused() -> None:
    ana, feed = Visitor(make_ana()), built_in_feed(default_space())
    ana.post(f"{PAGE}/packages", {"keep": "days", "days": "45"})
    assert built_in_feed(default_space()).unused_days == 45
    assert 'name="days" value="45"' in ana.get(PAGE).content.decode()
    for wrong in ("", "0", "x", "99999"):
        ana.post(f"{PAGE}/packages", {"keep": "days", "days": wrong})
        assert built_in_feed(default_space()).unused_days == 45
        assert "Unused packages stay from 1 to 36500 days" in text_of(ana.get(PAGE))
    event = Event.objects.filter(subject_id=feed.public_id).latest("pk")
    assert event.changes[0]["after"] == 45
    ana.post(f"{PAGE}/packages", {"keep": "forever", "days": "45"})
    assert built_in_feed(default_space()).unused_days is None
    for person in (make_ben(default_space()), make_cleo(default_space())):
        assert Visitor(person).post(f"{PAGE}/packages", {"keep": "forever"}).status_code == 403


def test_the_days_over_rest() -> None:
    ana, path = make_ana(), f"{S}/feeds/feeds-builtin"
    status, feed = send(ana, "get", path)
    assert (status, feed["DeleteUnreleasedPackagesAfterDays"]) == (200, None)
    changed = {**feed, "DeleteUnreleasedPackagesAfterDays": 60}
    status, answer = send(ana, "put", path, changed)
    assert (status, answer["DeleteUnreleasedPackagesAfterDays"]) == (200, 60)
    for wrong in (0, -1, "many", 10**30, 1.5):
        body = {**changed, "DeleteUnreleasedPackagesAfterDays": wrong}
        status, answer = send(ana, "put", path, body)
        assert status == 400
        assert "DeleteUnreleasedPackagesAfterDays" in str(answer["Errors"])
    # A client that does not know it leaves it alone.
    assert send(ana, "put", path, {"Name": "Ours", "FeedType": "BuiltIn"})[0] == 200
    assert built_in_feed(default_space()).unused_days == 60
    assert send(ana, "put", path, {**changed, "DeleteUnreleasedPackagesAfterDays": None})[0] == 200
    assert built_in_feed(default_space()).unused_days is None
