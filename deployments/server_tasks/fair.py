"""Shares the slots of a node among projects whose prioritised tasks wait; pure.

The slots are divided equally among the projects that have prioritised tasks in the queue. Those
below their share go first; everything else stays first in, first out (projects.md 10.6).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task in the queue. `project` is None for one that belongs to none."""

    task: int
    project: int | None = None
    is_moved_to_top: bool = False
    is_prioritized: bool = False


def fair_order(
    waiting: Iterable[Waiting], running: Mapping[int | None, int], slots: int
) -> list[int]:
    """Return the tasks, given in the order of the queue, in the order of their turns.

    `running` counts the running tasks of each project on a node of so many slots.
    """
    rows = list(waiting)
    top = [row for row in rows if row.is_moved_to_top]
    prioritized = [row for row in rows if row.is_prioritized and not row.is_moved_to_top]
    regular = [row for row in rows if not (row.is_prioritized or row.is_moved_to_top)]
    projects = {row.project for row in prioritized}
    share = max(1.0, slots / len(projects)) if projects else 0.0
    taken = {project: running.get(project, 0) for project in projects}
    below: list[Waiting] = []
    above: list[Waiting] = []
    for row in prioritized:
        if taken[row.project] < share:
            taken[row.project] += 1
            below.append(row)
        else:
            above.append(row)
    return [row.task for row in (*top, *below, *above, *regular)]
