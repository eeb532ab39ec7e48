"""Tokens that register workers: in their pools only, and never in the place of the built-in one."""

from typing import Any

import pytest

from deployments.base.clock import utc_now
from deployments.base.errors import Invalid, NotAuthenticated, NotPermitted
from deployments.infrastructure.models import Worker
from deployments.infrastructure.services.policies import default_policy
from deployments.infrastructure.services.registration import Wish
from deployments.infrastructure.services.registration_tokens import (
    create_registration_token,
    register_with_token,
)
from deployments.infrastructure.services.workers import create_worker_pool
from tests.factories import default_space, make_cleo
from tests.factories.people import SYSTEM

pytestmark = pytest.mark.django_db


def test_a_token_makes_one_worker_in_its_pools() -> None:
    space = default_space()
    mine, other = (
        create_worker_pool(actor=SYSTEM, space=space, name=name) for name in ("Mine", "Other")
    )
    Worker.objects.create(
        space=space,
        name="Built-in worker",
        slug="built-in-worker",
        is_built_in=True,
        policy=default_policy(space),
        created=utc_now(),
    )
    token = create_registration_token(actor=SYSTEM, space=space, worker_pools=[mine])

    def register(name: str, **fields: Any) -> str:
        wish = Wish(name=name, **{"is_worker": True, **fields})
        return register_with_token(token=token, wish=wish).machine_id

    with pytest.raises(Invalid, match="workers only"):
        register("sly", is_worker=False, environments=["Dev"], roles=["web"])
    with pytest.raises(Invalid, match="does not allow these worker pools: Other"):
        register("sly", worker_pools=[other.name])
    with pytest.raises(Invalid, match="belongs to the server"):
        register("built-in worker", force=True)
    made = register("helper")
    worker = Worker.objects.in_space(space).get(name="helper")
    assert worker.public_id == made
    assert [pool.name for pool in worker.pools.in_space(space)] == ["Mine"]
    assert not worker.is_built_in
    with pytest.raises(NotAuthenticated):
        register("again")


def test_its_maker_needs_the_right_over_workers() -> None:
    space = default_space()
    pool = create_worker_pool(actor=SYSTEM, space=space, name="Mine")
    with pytest.raises(NotPermitted):
        create_registration_token(actor=make_cleo(space).actor, space=space, worker_pools=[pool])
