"""Open boards are told of what happens in their space, and of nothing else."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest
from django.db import InterfaceError, OperationalError

from deployments.base.events import record
from deployments.base.following import telling
from deployments.base.models import Space
from deployments.base.threads import in_thread
from deployments.insights.live import boards
from tests.factories import SYSTEM, default_space, make_dan, make_space
from tests.support.portal import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


def happens(space: Space, category: str) -> None:
    record(actor=SYSTEM, space=space, category=category, message="it happened")


async def is_told(parts: AsyncIterator[bytes], *, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return (await anext(parts)).startswith(b"event: changed\n")
    except TimeoutError:
        return False


def told_of(space: Space, place: Space, category: str, seconds: float) -> bool:
    """Whether who watches the space is told of what happens in the place."""

    async def watch() -> bool:
        parts = boards.stream(space.pk)
        assert await anext(parts) == b"retry: 2000\n\n"
        await in_thread(lambda: happens(place, category))
        told = await is_told(parts, seconds=seconds)
        await parts.aclose()
        return told

    return asyncio.run(watch())


def test_a_deployment_that_ends_is_told_at_once() -> None:
    space = default_space()
    assert told_of(space, space, "DeploymentSucceeded", 20)


def test_other_spaces_and_signing_in_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "LOOK_EVERY", 0.05)
    space = default_space()
    assert not told_of(space, make_space("Other"), "DeploymentSucceeded", 0.5)
    assert not told_of(space, space, "LoginSucceeded", 0.5)


def test_the_last_viewer_stops_the_reader() -> None:
    space = default_space()
    told_of(space, space, "DeploymentFailed", 20)
    assert not boards.readers


def test_who_does_not_see_the_space_gets_no_stream() -> None:
    default_space()
    assert Visitor(make_dan(make_space())).get("dashboard/live").status_code == 404


def test_a_database_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "LOOK_EVERY", 0.01)
    answers: list[Exception | set[int | None]] = [OperationalError(), InterfaceError(), {7}]

    def look(_seen: int | None, _viewed: Collection[int]) -> tuple[int, set[int | None]]:
        answer = answers.pop(0) if answers else set[int | None]()
        if isinstance(answer, Exception):
            raise answer
        return 1, answer

    async def watch() -> bool:
        parts = telling.Telling(look).stream(7)
        assert await anext(parts) == b"retry: 2000\n\n"
        told = await is_told(parts, seconds=20)
        await parts.aclose()
        return told

    assert asyncio.run(watch())
