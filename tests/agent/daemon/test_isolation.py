"""Turns: exclusive alone, shared together, nobody starved, nothing lost by giving up."""

import asyncio
import random

import pytest

from agent.contracts.messages import Isolation
from agent.runtime.commands.isolation import IsolationLocks

EXCLUSIVE, SHARED = Isolation(), Isolation(mode="shared")


async def test_a_waiting_exclusive_is_not_passed_by_later_shared_ones() -> None:
    locks = IsolationLocks()
    order: list[str] = []

    async def work(name: str, wanted: Isolation) -> None:
        async with locks.hold(wanted):
            order.append(name)
            await asyncio.sleep(0.01)

    async with locks.hold(SHARED):
        waiting = [
            asyncio.create_task(work("exclusive", EXCLUSIVE)),
            asyncio.create_task(work("shared", SHARED)),
        ]
        await asyncio.sleep(0.02)
        assert order == []
    await asyncio.gather(*waiting)
    assert order == ["exclusive", "shared"]


async def test_other_names_do_not_wait_for_each_other() -> None:
    locks = IsolationLocks()
    async with locks.hold(EXCLUSIVE), asyncio.timeout(1), locks.hold(Isolation(name="other")):
        pass


async def test_a_found_runner_takes_its_turn_without_waiting() -> None:
    locks = IsolationLocks()
    async with locks.hold(EXCLUSIVE), locks.force(EXCLUSIVE):
        pass
    async with asyncio.timeout(1), locks.hold(EXCLUSIVE):
        pass


@pytest.mark.parametrize("seed", range(5))
async def test_random_use_with_random_giving_up_keeps_the_rule(seed: int) -> None:
    chance = random.Random(seed)
    locks = IsolationLocks()
    inside = {"exclusive": 0, "shared": 0}

    async def work() -> None:
        wanted = chance.choice([EXCLUSIVE, SHARED, SHARED])
        async with locks.hold(wanted):
            inside[wanted.mode] += 1
            assert inside["exclusive"] <= 1
            assert not (inside["exclusive"] and inside["shared"])
            try:
                await asyncio.sleep(chance.random() * 0.003)
            finally:
                inside[wanted.mode] -= 1

    tasks = [asyncio.create_task(work()) for _ in range(60)]
    for task in chance.sample(tasks, 25):
        await asyncio.sleep(0.001)
        task.cancel()
    async with asyncio.timeout(10):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
    async with asyncio.timeout(1), locks.hold(EXCLUSIVE):
        pass
