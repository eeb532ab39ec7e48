"""Frozen processes and variables go when nothing needs them, and only then."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.base.models import Space
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.releases.models import ProcessSnapshot, Release, VariableSetSnapshot
from deployments.releases.services import delete_release
from deployments.releases.services.editing import update_variables_of_release
from deployments.releases.services.snapshots import sweep_snapshots
from tests.factories import SYSTEM, default_space
from tests.factories.domain import make_project, make_release, make_variables, script_step
from tests.factories.library import make_library_set
from tests.factories.runbooks import make_runbook, make_snapshot

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def later(**ahead: float) -> datetime:
    return NOW + timedelta(**ahead)


@pytest.fixture
def project() -> Project:
    project = make_project("Web", steps=[script_step()])
    make_library_set("Common", VariableInput(name="Region", value="north"), projects=[project])
    return project


def frozen(space: Space | None = None) -> tuple[int, int]:
    """Return how many processes and variable sets are frozen."""
    space = space or default_space()
    return (
        ProcessSnapshot.objects.in_space(space).count(),
        VariableSetSnapshot.objects.in_space(space).count(),
    )


def release_at(project: Project, moment: datetime) -> Release:
    return make_release(project, clock=lambda: moment)


def sweep(moment: datetime) -> int:
    return sweep_snapshots(default_space(), clock=lambda: moment)


def test_what_a_release_needs_stays_and_goes_a_day_after_it(project: Project) -> None:
    release = release_at(project, NOW)
    assert frozen() == (1, 2)
    assert sweep(later(days=30)) == 0
    delete_release(actor=SYSTEM, release=release)
    # Another release may be just being made with the same.
    assert frozen() == (1, 2)
    assert sweep(later(hours=24)) == 0
    assert sweep(later(hours=24.1)) == 3
    assert frozen() == (0, 0)


def test_library_sets_stay_for_the_releases_of_others_and_for_runbooks(project: Project) -> None:
    release = release_at(project, NOW)
    snapshot = make_snapshot(make_runbook(project), clock=lambda: NOW)
    delete_release(actor=SYSTEM, release=release)
    assert sweep(later(days=30)) == 1
    assert len(snapshot.library_snapshots) == 1
    # The process that the release alone had went; the runbook froze the same variables.
    assert frozen() == (1, 2)


def test_variables_that_were_replaced_in_a_release_go(project: Project) -> None:
    release = release_at(project, NOW)
    make_variables(project, VariableInput(name="Colour", value="blue"))
    update_variables_of_release(actor=SYSTEM, release=release, clock=lambda: NOW)
    assert frozen() == (1, 3)
    assert sweep(later(days=2)) == 1
    release.refresh_from_db()
    assert release.variable_snapshot.variables[0]["value"] == "blue"


def test_what_is_used_again_counts_as_new(project: Project) -> None:
    release = release_at(project, NOW)
    delete_release(actor=SYSTEM, release=release)
    again = release_at(project, later(days=20))
    assert again.library_snapshots == release.library_snapshots
    delete_release(actor=SYSTEM, release=again)
    assert sweep(later(days=20, hours=23)) == 0
    assert sweep(later(days=21, hours=1)) == 3
