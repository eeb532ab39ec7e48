"""What is in a place and what was before it, and the ways back that pages offer."""

from typing import Any

import pytest

from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.releases.changes.lanes import Attempt, Lane, occupied_lanes
from deployments.releases.models import Release
from deployments.releases.services import DeploymentOptions, create_deployment
from tests.factories import SYSTEM, default_space, make_ana, make_cleo
from tests.factories.domain import (
    finish,
    make_channel,
    make_deployment,
    make_lifecycle,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.tenants import make_tenant, make_tenanted_project
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of


@pytest.mark.parametrize("case", cases("changes", "lanes"), ids=case_name)
def test_what_is_where(case: Any) -> None:
    versions = sorted({row[0] for row in case["deployments"]})
    newest: dict[tuple[str, Lane], int] = {}
    succeeded: dict[tuple[str, Lane], int] = {}
    for number, (version, environment, tenant, state) in enumerate(case["deployments"], 10):
        newest[version, (environment, tenant)] = number
        if state == "Success":
            succeeded[version, (environment, tenant)] = number
    found = occupied_lanes(
        Attempt(lane, versions.index(version), version, number, succeeded.get((version, lane)))
        for (version, lane), number in newest.items()
    )
    names = {lane: f"{lane[0]}/{lane[1] or ''}" for lane in found}
    assert {names[lane]: each.now.version for lane, each in found.items()} == case["now"]
    before = {names[lane]: each.before.version for lane, each in found.items() if each.before}
    assert before == case["before"]


@pytest.fixture
def releases(dev: Environment) -> list[Release]:
    project = make_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step("Hello")])
    return [make_release(project, version) for version in ("1.0.0", "1.1.0")]


@pytest.mark.django_db
def test_the_release_page_marks_what_is_there_and_was_before(
    dev: Environment, releases: list[Release]
) -> None:
    for release in releases:
        make_deployment(release, dev, state="Success")
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    first = ana.get("projects/web/releases/1.0.0")
    assert "Before 1.1.0" in text_of(first)
    second = ana.get("projects/web/releases/1.1.0")
    assert "There now" in text_of(second)
    way = f"/releases/1.0.0/deploy?environment={dev.public_id}"
    for page in (first, second):
        assert "Back to 1.0.0" in text_of(page)
        assert f'{way}" aria-label' in page.content.decode()
    assert "Going back" not in text_of(cleo.get("projects/web/releases/1.1.0"))


@pytest.mark.django_db
def test_all_pages_lead_back_from_a_failure_to_the_last_success(
    dev: Environment, releases: list[Release]
) -> None:
    for release in releases:
        make_deployment(release, dev, state="Success")
    failed = make_deployment(make_release(releases[0].project, "1.2.0"), dev, state="Failed")
    ana = Visitor(make_ana())
    for path in (
        "projects/web",
        "projects/web/releases/1.2.0",
        "projects/web/releases/1.1.0",
        f"tasks/ServerTasks-{failed.task_id}",
    ):
        page = text_of(ana.get(path))
        assert "Back to 1.1.0" in page, path
        assert "Back to 1.0.0" not in page, path
    timeline = text_of(ana.get(f"projects/web/environments/{dev.slug}"))
    assert "1.2.0 here now" in timeline
    assert "1.1.0 the one to go back to" in timeline
    assert "Going back" not in text_of(ana.get("projects/web/releases/1.0.0"))


@pytest.mark.django_db
def test_the_overview_does_not_go_back_without_a_tenant_from_what_a_tenant_has(
    dev: Environment,
) -> None:
    shop = make_tenanted_project(
        "Shop", mode="TenantedOrUntenanted", lifecycle=make_lifecycle(dev), steps=[script_step()]
    )
    ash = make_tenant("Ash", connections={shop: [dev]})
    ana = Visitor(make_ana())
    for version in ("1.0.0", "1.1.0"):
        make_deployment(make_release(shop, version), dev, state="Success")
    assert "Back to 1.0.0" in text_of(ana.get("projects/shop"))
    make_deployment(make_release(shop, "1.2.0"), dev, tenant=ash, state="Success")
    assert "Back to" not in text_of(ana.get("projects/shop"))


@pytest.mark.django_db
def test_channels_that_stand_on_their_own_go_back_on_their_own(dev: Environment) -> None:
    project = make_project(
        "Web",
        lifecycle=make_lifecycle(dev),
        steps=[script_step()],
        extra={"DiscreteChannelRelease": True},
    )
    beta = make_channel(project, "Beta")
    make_deployment(make_release(project, "1.0.0"), dev, state="Success")
    make_deployment(make_release(project, "2.0.0-beta", channel=beta), dev, state="Success")
    make_deployment(make_release(project, "1.1.0"), dev, state="Success")
    ana = Visitor(make_ana())
    for path in ("projects/web", "projects/web/releases/1.1.0"):
        page = text_of(ana.get(path))
        assert "Back to 1.0.0" in page, path
        assert "Back to 2.0.0-beta" not in page, path
    assert "There now" in text_of(ana.get("projects/web/releases/2.0.0-beta"))
    assert "here now" not in text_of(ana.get(f"projects/web/environments/{dev.slug}"))


@pytest.mark.django_db
def test_a_failed_task_leads_back_to_what_succeeded(
    dev: Environment, releases: list[Release]
) -> None:
    ana = Visitor(make_ana())
    failed = make_deployment(releases[1], dev, state="Failed")
    assert "Back to" not in text_of(ana.get(f"tasks/ServerTasks-{failed.task_id}"))
    make_deployment(releases[0], dev, state="Success")
    assert "Back to" not in text_of(ana.get(f"tasks/ServerTasks-{failed.task_id}"))
    failed = make_deployment(releases[1], dev, state="Failed")
    page = text_of(ana.get(f"tasks/ServerTasks-{failed.task_id}"))
    assert "Back to 1.0.0" in page
    cleo = Visitor(make_cleo(default_space()))
    assert "Back to" not in text_of(cleo.get(f"tasks/ServerTasks-{failed.task_id}"))


@pytest.mark.django_db
def test_redeploying_fills_in_the_choices_of_the_earlier_deployment(dev: Environment) -> None:
    project = make_tenanted_project(
        "Web",
        lifecycle=make_lifecycle(dev),
        steps=[script_step("Prepare"), script_step("Install")],
    )
    make_variables(
        project,
        *(
            VariableInput(name, "", prompt={"label": name}, is_sensitive=is_secret)
            for name, is_secret in (("Reason", False), ("Token", True))
        ),
    )
    release = make_release(project, "1.0.0")
    acme = make_tenant("Acme", connections={project: [dev]})
    prepare = release.process_snapshot.steps[0]["Actions"][0]["Id"]
    earlier = create_deployment(
        actor=SYSTEM,
        release=release,
        environment=dev,
        tenant=acme,
        options=DeploymentOptions(
            skip_actions=(prepare,),
            use_guided_failure=True,
            priority="On",
            form_values={"Reason": "Fix the totals", "Token": "hush hush"},
        ),
    )
    finish(earlier)
    ana = Visitor(make_ana())
    page = ana.get("projects/web/releases/1.0.0/deploy", {"again": earlier.public_id})
    text, source = text_of(page), page.content.decode()
    assert "Deploy 1.0.0 to Dev for Acme" in text
    assert f"Filled in as {earlier.public_id} was made" in text
    assert f'name="skip" value="{prepare}" checked' in source
    assert '<option value="ask" selected>' in source
    assert '<option value="On" selected>' in source
    assert "Fix the totals" in source
    assert "hush hush" not in source
    other = make_release(project, "1.1.0")
    path = f"projects/web/releases/{other.version}/deploy"
    assert ana.get(path, {"again": earlier.public_id}).status_code == 404
    assert ana.get(path, {"again": "Deployments-999999999"}).status_code == 404
    assert (
        f"?again={earlier.public_id}"
        in ana.get(f"tasks/ServerTasks-{earlier.task_id}").content.decode()
    )
