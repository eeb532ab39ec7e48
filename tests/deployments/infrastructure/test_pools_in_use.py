"""A worker pool that something names stays, and the refusal says what names it."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.infrastructure.models import WorkerPool
from deployments.infrastructure.services.workers import create_worker_pool, delete_worker_pool
from deployments.library.services import VariableInput
from tests.deployments.calls import S, send
from tests.factories import (
    SYSTEM,
    default_space,
    give_role,
    make_ana,
    make_space,
    make_user,
)
from tests.factories.domain import (
    make_process,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.library import make_library_set
from tests.factories.people import as_person
from tests.factories.runbooks import make_runbook, make_snapshot
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def make_pool() -> WorkerPool:
    return create_worker_pool(actor=SYSTEM, space=default_space(), name="Builders")


def refusal(pool: WorkerPool, actor: Any = SYSTEM) -> str:
    with pytest.raises(Invalid) as refused:
        delete_worker_pool(actor=actor, pool=pool)
    return refused.value.errors[0]


def test_steps_and_what_was_frozen_of_them() -> None:
    pool = make_pool()
    first, second = (
        script_step(name, WorkerPoolId=pool.public_id) for name in ("Build", "Publish")
    )
    web = make_project("Web", steps=[first, script_step("Other"), second])
    runbook = make_runbook(web, "Restart", first)
    make_project("Else", steps=[script_step()])
    begins = "The worker pool 'Builders' cannot be deleted because it is used by"
    steps = "the steps Build, Publish of Web, the step Build of the runbook Restart of Web"
    assert refusal(pool) == f"{begins} {steps}."
    make_release(web, "1.0.0")
    make_snapshot(runbook, name="First")
    make_process(web, script_step())
    runbook.delete()
    # What is deployed again would want it.
    assert refusal(pool) == f"{begins} the release 1.0.0 of Web."


def test_variables_of_that_type() -> None:
    pool = make_pool()
    named = VariableInput("Where", pool.public_id, kind="WorkerPool")
    make_library_set("Shared", named, projects=[])
    make_variables(make_project("Web"), named, VariableInput("A text", pool.public_id))
    said = refusal(pool)
    assert "the variable Where of Web" in said
    assert "the variable Where of" in said
    assert "Shared" in said
    assert "A text" not in said


def test_over_rest_and_on_the_page() -> None:
    pool, ana = make_pool(), make_ana()
    web = make_project("Web", steps=[script_step("Build", WorkerPoolId=pool.public_id)])
    status, answer = send(ana, "delete", f"{S}/workerpools/{pool.public_id}")
    says = (
        "The worker pool 'Builders' cannot be deleted because it is used by the step Build of Web."
    )
    assert (status, answer["Errors"]) == (400, [says])
    visitor = Visitor(ana)
    visitor.post(f"infrastructure/pools/{pool.public_id}/delete")
    assert "used by the step Build of Web" in text_of(visitor.get("infrastructure/workers"))
    make_process(web, script_step())
    assert send(ana, "delete", f"{S}/workerpools/{pool.public_id}")[0] == 200
    assert not WorkerPool.objects.in_space(default_space()).filter(pk=pool.pk).exists()


def test_what_the_actor_may_not_see_is_counted_only() -> None:
    pool = make_pool()
    secret = make_project("Secret", steps=[script_step("Build", WorkerPoolId=pool.public_id)])
    make_runbook(secret, "Hidden", script_step("Build", WorkerPoolId=pool.public_id))
    seen = make_project("Seen", steps=[script_step("Build", WorkerPoolId=pool.public_id)])
    user = make_user()
    give_role(user, "userroles-environmentmanager", default_space())
    give_role(user, "userroles-projectviewer", default_space(), {"project": [seen.public_id]})
    said = refusal(pool, as_person(user).actor)
    assert "the step Build of Seen, 2 that you may not see" in said
    assert "Secret" not in said


def test_of_other_spaces_nothing_counts() -> None:
    pool = make_pool()
    named = script_step(WorkerPoolId=pool.public_id)
    make_project("Elsewhere", make_space(), steps=[named])
    delete_worker_pool(actor=SYSTEM, pool=pool)
    assert not WorkerPool.objects.in_space(default_space()).filter(name="Builders").exists()
