"""The pages of workers and pools, and adding a worker."""

import shlex

import pytest

from deployments.infrastructure.models import RegistrationToken, Worker, WorkerPool
from deployments.infrastructure.services.registration import Wish
from deployments.infrastructure.services.registration_tokens import register_with_token
from deployments.infrastructure.services.workers import (
    WorkerInput,
    create_worker,
    create_worker_pool,
)
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.execution import make_agent
from tests.factories.people import SYSTEM
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
LIST = "infrastructure/workers"


def pool(name: str = "Mine") -> WorkerPool:
    return create_worker_pool(actor=SYSTEM, space=default_space(), name=name)


def worker(*pools: WorkerPool) -> Worker:
    row = create_worker(
        actor=SYSTEM, space=default_space(), worker=WorkerInput("helper", pools or [pool()])
    )
    make_agent(row)
    return row


def test_adding_shows_a_command_that_registers_and_waits_for_it() -> None:
    mine = pool("Large machines")
    ana = Visitor(make_ana())
    refused = ana.post(f"{LIST}/add", {"pools": []})
    assert (refused.status_code, "Choose at least one" in text_of(refused)) == (400, True)
    shown = ana.post(f"{LIST}/add", {"pools": [mine.public_id]})
    assert shown.headers["Cache-Control"] == "no-store"
    command = shown.context["command"]
    words = shlex.split(command)
    assert words[words.index("--") + 1 :] == ["--worker", "--workerpool", "Large machines"]
    token = next(w for w in words if w.startswith("TENTACLE_TOKEN=")).partition("=")[2]
    row = RegistrationToken.objects.get()
    path = f"{LIST}/waiting/{row.pk}"
    assert "Waiting for the agent" in text_of(ana.get(path))
    wish = Wish(name="big-1", is_worker=True, worker_pools=["Large machines"])
    register_with_token(token=token, wish=wish)
    assert "big-1 has registered" in text_of(ana.get(path))
    assert "big-1" in text_of(ana.get(LIST))


def test_a_worker_is_renamed_moved_disabled_and_deleted() -> None:
    mine, other = pool("Mine"), pool("Other")
    row = worker(mine)
    ana = Visitor(make_ana())
    path = f"{LIST}/{row.public_id}"
    page = text_of(ana.get(path))
    assert "Worker pools Mine" in page
    assert "Check health" in page
    ana.post(path, {"name": "helper-2", "pools": [mine.public_id, other.public_id]})
    row.refresh_from_db()
    names = {each.name for each in row.pools.in_space(default_space())}
    assert (row.name, names) == ("helper-2", {"Mine", "Other"})
    refused = ana.post(path, {"name": "helper-2", "pools": []})
    assert (refused.status_code, "At least one worker pool" in text_of(refused)) == (400, True)
    ana.post(f"{path}/switch", {"to": "disabled"})
    assert "Enable worker" in text_of(ana.get(path))
    ana.post(f"{path}/delete")
    assert not Worker.objects.in_space(default_space()).exists()


def test_the_built_in_worker_is_switched_off_but_not_deleted() -> None:
    row = worker()
    row.is_built_in = True
    row.save()
    page = text_of(Visitor(make_ana()).get(f"{LIST}/{row.public_id}"))
    assert "Runs beside the server" in page
    assert "Disable worker" in page
    assert "Delete worker" not in page


def test_a_pool_is_renamed_and_becomes_the_default() -> None:
    mine = pool("Mine")
    ana = Visitor(make_ana())
    path = f"infrastructure/pools/{mine.public_id}"
    fields = {"name": "Ours", "description": "big ones", "is_default": "on"}
    assert ana.post(path, fields).status_code == 302
    mine.refresh_from_db()
    assert (mine.name, mine.description, mine.is_default) == ("Ours", "big ones", True)
    assert WorkerPool.objects.in_space(default_space()).filter(is_default=True).count() == 1
    refused = ana.post(path, {"name": ""})
    assert refused.status_code == 400


def test_others_see_what_they_may() -> None:
    row = worker()
    space = default_space()
    cleo, dan = Visitor(make_cleo(space)), Visitor(make_dan(make_space()))
    path = f"{LIST}/{row.public_id}"
    assert cleo.get(f"{LIST}/add").status_code == 403
    assert cleo.post(path, {"name": "mine", "pools": []}).status_code in {403, 404}
    assert cleo.get(f"infrastructure/pools/{pool('New').public_id}").status_code == 403
    assert dan.get(path).status_code == 404
