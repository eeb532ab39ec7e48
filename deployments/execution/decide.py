"""What a task does next: a pure function of its plan and of what has been seen so far.

The order in which executions are given, and giving one twice, make no difference. Every start
names an attempt; the row of an attempt exists once, so a decision may be carried out twice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from deployments.execution.decision import (
    Ask,
    Cancel,
    Decision,
    Finish,
    Flags,
    Seen,
    Skip,
    Start,
)
from deployments.execution.guided import FORGIVEN, Answer
from deployments.execution.plan import SERVER_PLACE, Group, Plan, PlannedAction, PlannedStep
from deployments.execution.states import ENDED, ExecutionState
from deployments.server_tasks.states import TaskState

_EXCLUDED = "The machine was excluded from the deployment."
_LEFT_OUT = "The machine was left out of the deployment: it was not available."
_GOOD = frozenset({ExecutionState.SUCCEEDED, ExecutionState.SKIPPED, ExecutionState.LEFT_OUT})

# (expression, action id or "" for a step, target id) -> whether it is truthy there and now.
Truth = Callable[[str, str, str], bool]


def decide(plan: Plan, executions: Iterable[Seen], flags: Flags, is_true: Truth) -> Decision:
    """Return what to do now."""
    last = _last_attempts(executions)
    if flags.cancel_requests:
        return _decide_cancel(last, flags)
    seen = last.values()
    walk = _Walk(
        plan, last, flags, is_true, excluded_machines(seen), forgiven=forgiven_machines(seen)
    )
    failed = False
    for group in plan.groups:
        if not walk.advance_group(group, failed=failed):
            return walk.decision()
        failed = failed or walk.group_failed(group)
    return Decision(skips=tuple(walk.skips), finish=_outcome(plan, last))


def first_failure(plan: Plan, executions: Iterable[Seen]) -> tuple[PlannedStep, str] | None:
    """Return the first failed step in plan order and the target it failed on."""
    last = _last_attempts(executions)
    forgiven = forgiven_machines(last.values())
    for step in plan.steps:
        for action in step.actions:
            for place in action.placements:
                seen = last.get((action.id, place.target_id))
                if seen and seen.is_failure and seen.target_id not in forgiven:
                    return step, place.target_name
    return None


def forgiven_machines(executions: Iterable[Seen]) -> frozenset[str]:
    """Return the machines that people excluded: none of their failures counts."""
    return frozenset(seen.target_id for seen in executions if seen.answer == Answer.EXCLUDE)


def excluded_machines(executions: Iterable[Seen]) -> dict[str, str]:
    """Return the machines that take no further part, with why.

    One that was left out keeps the failures it had before.
    """
    found = {}
    for seen in executions:
        if seen.answer == Answer.EXCLUDE:
            found[seen.target_id] = _EXCLUDED
        elif seen.state == ExecutionState.LEFT_OUT:
            found.setdefault(seen.target_id, _LEFT_OUT)
    return found


def _last_attempts(executions: Iterable[Seen]) -> dict[tuple[str, str], Seen]:
    last: dict[tuple[str, str], Seen] = {}
    for seen in executions:
        key = (seen.action_id, seen.target_id)
        known = last.get(key)
        if known is None or _age(seen) > _age(known):
            last[key] = seen
    return last


def _age(seen: Seen) -> tuple[int, bool, bool]:
    # A copy read before the end, or before the answer, must not hide it.
    is_answered = seen.answer not in (Answer.NONE, Answer.PENDING)
    return seen.attempt, seen.state in ENDED, is_answered


def _decide_cancel(last: Mapping[tuple[str, str], Seen], flags: Flags) -> Decision:
    live = [seen for seen in last.values() if seen.state not in ENDED]
    if not live:
        return Decision(finish=Finish(TaskState.CANCELED))
    cancels = tuple(
        Cancel(s.action_id, s.target_id, s.attempt)
        for s in sorted(live, key=lambda s: (s.action_id, s.target_id))
    )
    if flags.cancel_requests > 1:
        reason = "The task was canceled by force; what still ran was left behind."
        return Decision(cancels=cancels, finish=Finish(TaskState.CANCELED, reason))
    return Decision(cancels=cancels)


def _outcome(plan: Plan, last: Mapping[tuple[str, str], Seen]) -> Finish:
    failure = first_failure(plan, last.values())
    if failure is None:
        return Finish(TaskState.SUCCESS)
    step, target = failure
    return Finish(TaskState.FAILED, f"The step '{step.name}' failed on {target}.")


@dataclass
class _Lane:
    """One place of a step while it is walked. `position` is the action it has reached."""

    target_id: str
    begun: bool = False
    live: bool = False
    failed: bool = False
    done: bool = False
    position: int = 0

    def is_live(self) -> bool:
        return self.live


@dataclass
class _Walk:
    """One pass over the plan that collects what to do."""

    plan: Plan
    last: Mapping[tuple[str, str], Seen]
    flags: Flags
    is_true: Truth
    excluded: Mapping[str, str]
    forgiven: frozenset[str]
    starts: list[Start] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    wake_at: float | None = None
    # Whether the end of one place may let something begin while others still run.
    goes_on: bool = False

    def decision(self) -> Decision:
        live = [seen for seen in self.last.values() if seen.state not in ENDED]
        holding = {a.id for step in self.plan.steps for a in step.actions if a.blocks_others}
        waiting = bool(live) and all(
            seen.state == ExecutionState.WAITING and seen.action_id not in holding for seen in live
        )
        # A deployment that failed half-way keeps its slot and tag while people decide.
        waiting = waiting and not any(s.answer == Answer.PENDING for s in self.last.values())
        return Decision(
            starts=tuple(self.starts),
            skips=tuple(self.skips),
            asks=tuple(self.asks),
            waiting=waiting and not self.starts and self.wake_at is None,
            wake_at=self.wake_at,
            waits_for_all=not (self.goes_on or self.plan.worker_lease_cap),
        )

    def group_failed(self, group: Group) -> bool:
        return any(
            seen.is_failure and seen.target_id not in self.forgiven
            for step in group.steps
            for action in step.actions
            for place in action.placements
            if (seen := self._seen(action, place.target_id))
        )

    def advance_group(self, group: Group, *, failed: bool) -> bool:
        """Walk the steps of a group; return whether all of them are done."""
        running = 0
        done = True
        for step in group.steps:
            begun = any(
                (action.id, place.target_id) in self.last
                for action in step.actions
                for place in action.placements
            )
            if not begun and running >= self.plan.parallelism:
                done, self.goes_on = False, True
            elif not self._advance_step(step, failed=failed):
                running += 1
                done = False
        return done

    def _advance_step(self, step: PlannedStep, *, failed: bool) -> bool:
        if step.skip_reason:
            self._skip_actions(step, step.lanes[0], step.skip_reason)
            return True
        lanes = [_Lane(lane) for lane in step.lanes]
        for lane in lanes:
            lane.begun = any(
                self._seen(action, lane.target_id) for action in step.actions if not action.once
            )
        for position, action in enumerate(step.actions):
            if action.once:
                self._advance_lanes(step, lanes, position, failed=failed)
                if not self._pass_barrier(step, lanes, position, failed=failed):
                    self.goes_on = True
                    return False
        self._advance_lanes(step, lanes, len(step.actions), failed=failed)
        self.goes_on = self.goes_on or any(_goes_on(step, lane) for lane in lanes)
        return all(lane.done or lane.position >= len(step.actions) for lane in lanes)

    def _advance_lanes(
        self, step: PlannedStep, lanes: list[_Lane], end: int, *, failed: bool
    ) -> None:
        """Bring every lane as far as it gets before the action at `end`."""
        limit = step.window or step.parallelism or self.plan.parallelism
        begun = [lane for lane in lanes if lane.begun]
        for lane in begun:
            self._advance_lane(step, lane, end, may_start=False)
        live = sum(lane.live for lane in lanes)
        for lane in begun:
            # Behind a barrier more places may be ready than the cap allows.
            free = bool(step.window) or live < limit
            live -= lane.live
            self._advance_lane(step, lane, end, may_start=free)
            live += lane.live
        stopped = bool(step.window) and any(lane.failed for lane in lanes)
        held = sum(_holds_slot(step, lane) for lane in lanes)
        for lane in lanes:
            if lane.begun or lane.done:
                continue
            if lane.target_id in self.excluded:
                reason = self.excluded[lane.target_id]
                self._skip_actions(step, lane.target_id, reason, each_only=True)
                lane.position, lane.done = len(step.actions), True
                continue
            if not self._condition_holds(step, lane, failed=failed):
                self._skip_actions(step, lane.target_id, _reason(step), each_only=True)
                lane.position, lane.done = len(step.actions), True
                continue
            if stopped:
                self._skip_actions(step, lane.target_id, "Not begun: another target failed.")
                lane.position, lane.done = len(step.actions), True
                continue
            if held < limit:
                self._advance_lane(step, lane, end, may_start=True)
                held += _holds_slot(step, lane)

    def _advance_lane(self, step: PlannedStep, lane: _Lane, end: int, *, may_start: bool) -> None:
        while lane.position < end and not lane.is_live():
            action = step.actions[lane.position]
            if action.once or self._pass_action(action, lane, lane.target_id):
                lane.position += 1
            elif lane.is_live() or not may_start:
                return
            else:
                self.starts.append(Start(action.id, lane.target_id))
                lane.begun = lane.live = True

    def _pass_action(self, action: PlannedAction, lane: _Lane, target_id: str) -> bool:
        """Return whether the action is behind us; sets the lane to live while it runs."""
        seen = self._seen(action, target_id)
        if seen is None:
            reason = self._skip_reason(action, lane, target_id)
            if reason:
                self.skips.append(Skip(action.id, target_id, reason))
                lane.begun = True
            return bool(reason)
        lane.begun = True
        if seen.state in _GOOD:
            return True
        if seen.state not in ENDED:
            lane.live = True
            return False
        if target_id in self.forgiven:
            return True
        if seen.state == ExecutionState.FAILED and seen.attempt < action.attempts:
            lane.live = True
            self._retry(action, seen)
            return False
        if action.guided and seen.state != ExecutionState.CANCELED:
            return self._follow_answer(lane, seen)
        lane.failed = True
        return True

    def _follow_answer(self, lane: _Lane, seen: Seen) -> bool:
        """Return whether a failed action is behind us, by what people said about it."""
        if seen.answer in FORGIVEN:
            return True
        if seen.answer == Answer.FAIL:
            lane.failed = True
            return True
        lane.live = True
        if seen.answer == Answer.RETRY:
            self.starts.append(Start(seen.action_id, seen.target_id, seen.attempt + 1))
        elif seen.answer == Answer.NONE:
            self.asks.append(Ask(seen.action_id, seen.target_id, seen.attempt))
        return False

    def _retry(self, action: PlannedAction, seen: Seen) -> None:
        ended = self.flags.now if seen.finished is None else seen.finished
        due = ended + action.backoff_s
        if due <= self.flags.now:
            self.starts.append(Start(action.id, seen.target_id, seen.attempt + 1))
        else:
            self.wake_at = due if self.wake_at is None else min(due, self.wake_at)

    def _pass_barrier(
        self, step: PlannedStep, lanes: list[_Lane], position: int, *, failed: bool
    ) -> bool:
        action = step.actions[position]
        if any(lane.position < position for lane in lanes):
            return False
        shared = _Lane(SERVER_PLACE, failed=any(lane.failed for lane in lanes))
        seen = self._seen(action, SERVER_PLACE)
        if seen is None and not any(
            lane.begun or self._condition_holds(step, lane, failed=failed) for lane in lanes
        ):
            self.skips.append(Skip(action.id, SERVER_PLACE, _reason(step)))
            return True
        if seen is None and all(self.excluded.get(lane.target_id) == _LEFT_OUT for lane in lanes):
            self.skips.append(Skip(action.id, SERVER_PLACE, "Every target was left out."))
            return True
        if not self._pass_action(action, shared, SERVER_PLACE):
            if not shared.live:
                self.starts.append(Start(action.id, SERVER_PLACE))
            return False
        for lane in lanes:
            lane.position = max(lane.position, position + 1)
            lane.failed = lane.failed or shared.failed
        return True

    def _condition_holds(self, step: PlannedStep, lane: _Lane, *, failed: bool) -> bool:
        if step.condition == "Variable":
            return self.is_true(step.expression, "", lane.target_id)
        if step.condition == "Failure":
            return failed
        return step.condition == "Always" or not failed

    def _skip_reason(self, action: PlannedAction, lane: _Lane, target_id: str) -> str:
        if action.skip_reason:
            return action.skip_reason
        if target_id in self.excluded:
            return self.excluded[target_id]
        if action.condition == "Variable":
            if self.is_true(action.expression, action.id, target_id):
                return ""
            return "The action's condition is not true."
        return "An earlier action of the step failed." if lane.failed else ""

    def _skip_actions(
        self, step: PlannedStep, target_id: str, reason: str, *, each_only: bool = False
    ) -> None:
        for action in step.actions:
            if each_only and action.once:
                continue
            if (action.id, target_id) not in self.last:
                self.skips.append(Skip(action.id, target_id, action.skip_reason or reason))

    def _seen(self, action: PlannedAction, target_id: str) -> Seen | None:
        return self.last.get((action.id, target_id))


def _goes_on(step: PlannedStep, lane: _Lane) -> bool:
    """Tell whether more may begin at the place before its step is done."""
    if lane.done or lane.position >= len(step.actions):
        return False
    action = step.actions[lane.position]
    is_last = lane.live and lane.position == len(step.actions) - 1
    return not is_last or action.attempts > 1 or action.guided


def _holds_slot(step: PlannedStep, lane: _Lane) -> bool:
    """In a rolling step a begun place keeps its slot until it is done with every action."""
    if step.window:
        return lane.begun and not lane.done and lane.position < len(step.actions)
    return lane.live


def _reason(step: PlannedStep) -> str:
    return {
        "Variable": "The step's condition is not true.",
        "Failure": "No earlier step failed.",
    }.get(step.condition, "An earlier step failed.")
