"""How long a release is kept, as the progression of its project tells it."""

import pytest

from deployments.projects.services.lifecycles import (
    LifecycleInput,
    PhaseInput,
    create_lifecycle,
)
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, make_ana
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_project,
    make_release,
    script_step,
)

pytestmark = pytest.mark.django_db


def count(number: int) -> dict[str, object]:
    return {"Strategy": "Count", "Unit": "Items", "QuantityToKeep": number}


def test_the_furthest_phase_decides() -> None:
    dev, staging, prod = (make_environment(name) for name in ("Dev", "Staging", "Prod"))
    lifecycle = create_lifecycle(
        actor=SYSTEM,
        space=default_space(),
        lifecycle=LifecycleInput(
            "Kept",
            release_retention=count(3),
            tentacle_retention=count(2),
            phases=[
                PhaseInput("Dev", manual=[dev]),
                PhaseInput("Staging", manual=[staging], release_retention=count(5)),
                PhaseInput("Prod", manual=[prod]),
            ],
        ),
    )
    project = make_project("Web", lifecycle=lifecycle, steps=[script_step()])
    new, first, second, third = (make_release(project) for _ in range(4))
    assert new.pk < first.pk
    for release, places in (
        (first, [dev]),
        (second, [dev, staging]),
        (third, [dev, staging, prod]),
    ):
        for place in places:
            make_deployment(release, place, state="Success")
    _, answer = send(make_ana(), "get", f"{S}/projects/{project.public_id}/progression")
    kept = [row["ReleaseRetentionPeriod"]["QuantityToKeep"] for row in answer["Releases"]]
    assert kept == [5, 5, 3, 3]
    assert answer["Releases"][0]["TentacleRetentionPeriod"]["QuantityToKeep"] == 2
