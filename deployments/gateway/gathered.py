"""Database work that many connections ask for, gathered: one call for all of one moment."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError

_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")
_Work = Callable[[Mapping[int, _Question]], Awaitable[Mapping[int, _Answer]]]


class Gathered(Generic[_Question, _Answer]):
    """Calls `work` with the questions of one moment; while it runs the next ones gather.

    A key that is asked for twice waits for the next call. When a call fails though the database
    is there, each question is asked alone, so that a bad one harms no other.
    """

    def __init__(self, work: "_Work[_Question, _Answer]") -> None:
        self._work = work
        self._waiting: deque[tuple[int, _Question, asyncio.Future[_Answer | None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def ask(self, key: int, question: _Question) -> _Answer | None:
        """Return the answer for the key, None when `work` has none; raises what `work` raises."""
        future: asyncio.Future[_Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, question, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work_off())
        return await future

    async def _work_off(self) -> None:
        while self._waiting:
            questions: dict[int, _Question] = {}
            futures: dict[int, asyncio.Future[_Answer | None]] = {}
            later = []
            for key, question, future in self._waiting:
                if key in questions:
                    later.append((key, question, future))
                elif not future.done():
                    questions[key], futures[key] = question, future
            self._waiting = deque(later)
            if questions:
                await self._answer(questions, futures)

    async def _answer(
        self,
        questions: Mapping[int, _Question],
        futures: "Mapping[int, asyncio.Future[_Answer | None]]",
    ) -> None:
        try:
            answers = await self._work(questions)
        except Exception as error:  # noqa: BLE001 it belongs to those who asked
            is_away = isinstance(error, (OperationalError, InterfaceError))
            if len(questions) > 1 and not is_away:
                for key, question in questions.items():
                    await self._answer({key: question}, {key: futures[key]})
                return
            for future in futures.values():
                if not future.done():
                    future.set_exception(error)
        else:
            for key, future in futures.items():
                if not future.done():
                    future.set_result(answers.get(key))
