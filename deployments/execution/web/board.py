"""What a task's page draws of steps and targets: the grid and the tree; free of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deployments.execution.models import ActionExecution
from deployments.execution.plan import SERVER_NAME, SERVER_PLACE, Plan, PlannedAction
from deployments.execution.states import ExecutionState as S

_TONES: Final = {
    S.SUCCEEDED: ("ok", "ok", "Done"),
    S.FAILED: ("bad", "bad", "Failed"),
    S.LOST: ("bad", "bad", "Unknown"),
    S.RUNNING: ("run", "run", "Running"),
    S.PENDING: ("queued", "idle", "Sent"),
    S.WAITING: ("waits", "idle", "Waits"),
    S.SKIPPED: ("skipped", "idle", "Skipped"),
    S.LEFT_OUT: ("offline", "idle", "Left out"),
    S.CANCELED: ("canceled", "idle", "Canceled"),
}
_FAILED: Final = (S.FAILED, S.LOST)
_OPEN: Final = (S.FAILED, S.LOST, S.RUNNING, S.WAITING)
# What a step shows of the states of its places: the first that occurs.
_WORST: Final = (S.FAILED, S.LOST, S.RUNNING, S.WAITING, S.PENDING, S.CANCELED, S.SUCCEEDED)


@dataclass(frozen=True, slots=True)
class Cell:
    """An action on a target. Without an `execution` it has not begun (or never will)."""

    word: str
    icon: str
    tone: str
    execution: int | None = None
    took: timedelta | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An action: one cell for each column, or the single cell of what runs once."""

    number: str
    name: str
    cells: tuple[Cell | None, ...] = ()
    once: Cell | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """The step grid; `columns` are names of targets."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Group:
    """A node of the log: one attempt at an action on one place."""

    execution: ActionExecution
    title: str
    place: str
    state: str
    took: timedelta | None
    is_open: bool
    is_failed: bool

    @property
    def anchor(self) -> str:
        return f"exec-{self.execution.pk}"


@dataclass(frozen=True, slots=True)
class Branch:
    """A step in the tree with its log nodes."""

    name: str
    state: str
    groups: tuple[Group, ...]
    done: int


def make_grid(
    plan: Plan | None, executions: Sequence[ActionExecution], *, ended: bool, now: datetime
) -> Grid | None:
    """Return the grid of the plan, or of what ran when there is none."""
    latest = {(row.action_id, row.target_id): row for row in executions}
    if plan is None:
        return None
    columns = plan.target_ids()
    names = {
        place.target_id: place.target_name
        for step in plan.steps
        for action in step.actions
        for place in action.placements
    }
    rows, cells = [], []
    for step in plan.steps:
        for action in step.actions:
            skipped = step.skip_reason or action.skip_reason
            row = _row(action, columns, latest, skipped=skipped, ended=ended, now=now)
            rows.append(row)
            cells += [row.once] if row.once else [cell for cell in row.cells if cell]
    done = sum(1 for cell in cells if cell.tone == "ok")
    return Grid(tuple(names.get(key, key) for key in columns), tuple(rows), done, len(cells))


def _row(
    action: PlannedAction,
    columns: Sequence[str],
    latest: dict[tuple[str, str], ActionExecution],
    *,
    skipped: str,
    ended: bool,
    now: datetime,
) -> Row:
    def cell(target_id: str) -> Cell:
        return _cell(latest.get((action.id, target_id)), skipped, ended=ended, now=now)

    places = {place.target_id: place for place in action.placements}
    server = places.get(SERVER_PLACE)
    if server is not None:
        once = _with_place(cell(SERVER_PLACE), server.worker_name)
        return Row(action.number, action.name, once=once)
    if not places:
        nowhere = Cell("Skipped" if skipped else "No targets", "skipped", "idle", detail=skipped)
        return Row(action.number, action.name, once=nowhere)
    cells = tuple(cell(key) if key in places else None for key in columns)
    return Row(action.number, action.name, cells)


def _cell(row: ActionExecution | None, skipped: str, *, ended: bool, now: datetime) -> Cell:
    if row is None:
        if skipped:
            return Cell("Skipped", "skipped", "idle", detail=skipped)
        return Cell("Not run" if ended else "Queued", "canceled" if ended else "queued", "idle")
    icon, tone, word = _TONES[S(row.state)]
    if row.state == S.RUNNING and row.progress_percentage:
        word = f"Running, {row.progress_percentage} %"
    return Cell(word, icon, tone, row.pk, took(row, now))


def _with_place(cell: Cell, name: str) -> Cell:
    """Say by whose hands it ran; what was skipped ran nowhere."""
    detail = f"on {name}" if name and cell.took is not None else cell.detail
    return Cell(cell.word, cell.icon, cell.tone, cell.execution, cell.took, detail)


def make_tree(
    plan: Plan | None, executions: Iterable[ActionExecution], *, ended: bool, now: datetime
) -> tuple[Branch, ...]:
    """Return the steps in order with their log nodes; those not begun are there as well."""
    by_step: dict[str, list[ActionExecution]] = {}
    names: dict[str, tuple[int, str]] = {}
    for step in plan.steps if plan else ():
        names[step.id] = (step.number, step.name)
    begun: set[str] = set()
    for row in executions:
        begun.add(row.step_id)
        if row.state != S.SKIPPED or row.line_count:
            by_step.setdefault(row.step_id, []).append(row)
        names.setdefault(row.step_id, (row.step_number, row.step_name))
    branches = []
    for step_id, (_, name) in sorted(names.items(), key=lambda item: item[1][0]):
        rows = by_step.get(step_id, [])
        groups = tuple(_group(row, rows, now) for row in sorted(rows, key=_order))
        states = {S(group.state) for group in groups if _is_last(group.execution, rows)}
        worst = next((state for state in _WORST if state in states), None)
        fallback = S.SKIPPED if states or ended or step_id in begun else S.PENDING
        done = sum(1 for group in groups if group.state == S.SUCCEEDED)
        branches.append(Branch(name, worst or fallback, groups, done))
    return tuple(branches)


def _order(row: ActionExecution) -> tuple[int, str, int]:
    return (row.pk, row.target_name, row.attempt)


def _is_last(row: ActionExecution, rows: Iterable[ActionExecution]) -> bool:
    same = (other for other in rows if _key(other) == _key(row))
    return all(other.attempt <= row.attempt for other in same)


def _key(row: ActionExecution) -> tuple[str, str]:
    return (row.action_id, row.target_id)


def _group(row: ActionExecution, of_step: Sequence[ActionExecution], now: datetime) -> Group:
    place = "the server" if row.target_id == SERVER_PLACE else row.target_name
    again = f", attempt {row.attempt}" if row.attempt > 1 else ""
    several = len({other.action_id for other in of_step}) > 1
    short = place if row.target_id != SERVER_PLACE else SERVER_NAME
    return Group(
        execution=row,
        title=f"{row.action_name} on {place}{again}",
        place=f"{row.action_name}, {short}{again}" if several else f"{short}{again}",
        state=row.state,
        took=took(row, now),
        is_open=row.state in _OPEN and _is_last(row, of_step),
        is_failed=row.state in _FAILED,
    )


def took(row: ActionExecution, now: datetime) -> timedelta | None:
    """Return how long it ran, up to now while it runs."""
    if row.started is None:
        return None
    return (row.finished or now) - row.started
