"""decide() under random outcomes, orders and repetitions: one start each, an end, one result."""

import random
from dataclasses import dataclass, field, replace

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from deployments.execution.decide import decide
from deployments.execution.decision import Decision, Flags, Seen
from deployments.execution.guided import Answer, choices
from deployments.execution.plan import (
    SERVER_PLACE,
    Group,
    Placement,
    Plan,
    PlannedAction,
    PlannedStep,
)
from deployments.execution.states import ExecutionState
from deployments.server_tasks.states import TaskState

# Shrinking a plan takes minutes and says little more.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]

_ENDS = {
    "ok": ExecutionState.SUCCEEDED,
    "bad": ExecutionState.FAILED,
    "lost": ExecutionState.LOST,
}


_MOST_ATTEMPTS = 5


def _never(expression: str, action_id: str, target_id: str) -> bool:
    return expression == "yes" or target_id.endswith(expression)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    groups: list[Group] = []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        steps = []
        for _ in range(draw(st.integers(1, 2))):
            number += 1
            steps.append(_step(draw, number))
        groups.append(Group(tuple(steps)))
    return Plan(tuple(groups), parallelism=draw(st.integers(1, 4)))


def _step(draw: st.DrawFn, number: int) -> PlannedStep:
    machines = [f"Machines-{n}" for n in range(draw(st.integers(0, 5)))]
    window = draw(st.integers(0, 3)) if machines else 0
    lanes = tuple(machines) or (SERVER_PLACE,)
    actions = []
    for index in range(draw(st.integers(1, 3))):
        once = bool(machines) and not window and draw(st.booleans())
        places = (SERVER_PLACE,) if once else lanes
        actions.append(
            PlannedAction(
                id=f"a{number}.{index}",
                name=f"Action {number}.{index}",
                action_type="Octopus.Script",
                number=f"{number}.{index + 1}",
                placements=tuple(Placement(place, place) for place in places),
                condition=draw(st.sampled_from(["Success", "Variable"])),
                expression=draw(st.sampled_from(["yes", "1", "never"])),
                once=once,
                attempts=draw(st.integers(1, 3)),
                backoff_s=draw(st.sampled_from([0.0, 5.0])),
                skip_reason=draw(st.sampled_from(["", "", "", "left out"])),
                guided=draw(st.booleans()),
            )
        )
    return PlannedStep(
        id=f"s{number}",
        name=f"Step {number}",
        number=number,
        condition=draw(st.sampled_from(["Success", "Failure", "Always", "Variable"])),
        expression=draw(st.sampled_from(["yes", "1", "never"])),
        window=window,
        lanes=lanes,
        roles=("web",) if machines else (),
        actions=tuple(actions),
    )


@dataclass
class World:
    """Carries decisions out as the engine does, with outcomes fixed per attempt."""

    plan: Plan
    seed: int
    order: random.Random
    may_exclude: bool = True
    rows: dict[tuple[str, str, int], Seen] = field(default_factory=dict)
    # How often it was enough to look again when everything that ran had ended.
    waited_for_all: int = 0
    started: list[tuple[str, str, int]] = field(default_factory=list)
    now: float = 0.0

    def outcome(self, key: tuple[str, str, int]) -> ExecutionState:
        return _ENDS[random.Random(f"{self.seed}{key}").choice(["ok", "ok", "bad", "lost"])]

    def view(self) -> list[Seen]:
        seen = list(self.rows.values())
        seen += [self.order.choice(seen) for _ in range(3) if seen]
        self.order.shuffle(seen)
        return seen

    def carry_out(self, decision: Decision) -> None:
        for skip in decision.skips:
            key = (skip.action_id, skip.target_id, 1)
            assert key not in self.rows
            self.rows[key] = Seen(*key, ExecutionState.SKIPPED, self.now)
        for ask in decision.asks:
            key = (ask.action_id, ask.target_id, ask.attempt)
            assert self.rows[key].answer == Answer.NONE, "a failure is asked about once"
            self.rows[key] = replace(self.rows[key], answer=Answer.PENDING)
        excluded = {s.target_id for s in self.rows.values() if s.answer == Answer.EXCLUDE}
        for start in decision.starts:
            key = (start.action_id, start.target_id, start.attempt)
            assert key not in self.rows, "an attempt is started once"
            assert start.target_id not in excluded, "an excluded machine does nothing more"
            self.rows[key] = Seen(*key, ExecutionState.PENDING)
            self.started.append(key)

    def unanswered(self) -> list[tuple[str, str, int]]:
        return [key for key, seen in self.rows.items() if seen.answer == Answer.PENDING]

    def answer(self, key: tuple[str, str, int]) -> None:
        """Answer as a person would who tries again only a few times."""
        options = [*choices(is_required=False, target_id=key[1])]
        if key[2] > _MOST_ATTEMPTS:
            options.remove(Answer.RETRY)
        if not self.may_exclude and Answer.EXCLUDE in options:
            options.remove(Answer.EXCLUDE)
        said = random.Random(f"{self.seed}answer{key}").choice(options)
        same = [k for k in self.unanswered() if said == Answer.EXCLUDE and k[1] == key[1]]
        for each in {key, *same}:
            self.rows[each] = replace(self.rows[each], answer=said)

    def live(self) -> list[tuple[str, str, int]]:
        return [key for key, seen in self.rows.items() if seen.finished is None]

    def run(self, *, cancel_after: int | None = None) -> TaskState:
        requests = 0
        for step in range(1000):
            if cancel_after is not None and step >= cancel_after:
                requests = 1
            flags = Flags(self.now, requests)
            view = self.view()
            decision = decide(self.plan, view, flags, _never)
            again = decide(self.plan, list(reversed(view)), flags, _never)
            assert again == decision
            self.carry_out(decision)
            self._check_caps()
            if decision.waits_for_all and not requests:
                self._check_that_nothing_follows_early(flags)
            if decision.finish is not None:
                assert not self.live()
                assert requests or not self.unanswered()
                return decision.finish.state
            live, unanswered = self.live(), self.unanswered()
            for key in self.order.sample(unanswered, self.order.randint(0, len(unanswered))):
                if self.rows[key].answer == Answer.PENDING:
                    self.answer(key)
            if live:
                for key in self.order.sample(live, self.order.randint(1, len(live))):
                    end = ExecutionState.CANCELED if requests else self.outcome(key)
                    self.rows[key] = Seen(*key, end, self.now)
            elif not (decision.starts or decision.skips or decision.asks or unanswered):
                assert decision.wake_at is not None, "nothing lives and nothing is due"
                assert decision.wake_at > self.now
                self.now = decision.wake_at
            self.now += 0.5
        raise AssertionError(f"the task does not end: {decision} {self.rows}")

    def _check_that_nothing_follows_early(self, flags: Flags) -> None:
        """Let all but one of those that live end, each anyhow: it must change nothing."""
        ending = self.live()
        self.order.shuffle(ending)
        ended = {key: Seen(*key, self.outcome(key), self.now) for key in ending[1:]}
        seen = [*(self.rows | ended).values()]
        decision = decide(self.plan, seen, flags, _never)
        happens = decision.starts or decision.skips or decision.asks or decision.finish
        assert not happens
        assert decision.wake_at is None
        self.waited_for_all += len(ended)

    def _check_caps(self) -> None:
        live = self.live()
        for step in self.plan.steps:
            limit = step.window or self.plan.parallelism
            ids = {action.id for action in step.actions}
            assert len({target for action, target, _ in live if action in ids}) <= limit


@settings(max_examples=300, phases=PHASES)
@given(plans(), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_same_outcomes_end_the_same_in_any_order(
    plan: Plan, seed: int, one: int, other: int
) -> None:
    # Leaving a machine out works from the moment it is said on, so its moment makes a difference.
    first = World(plan, seed, random.Random(one), may_exclude=False)
    second = World(plan, seed, random.Random(other), may_exclude=False)
    assert first.run() == second.run()
    assert len(first.started) == len(set(first.started))
    if all(not step.window for step in plan.steps):
        # A rolling step stops where the first failure is seen, so its starts depend on order.
        assert set(first.started) == set(second.started)


def test_a_simple_step_is_looked_at_when_all_have_ended() -> None:
    lanes = ("Machines-1", "Machines-2", "Machines-3")
    places = tuple(Placement(lane, lane) for lane in lanes)
    action = PlannedAction("a1", "Say", "Octopus.Script", "1", places)
    step = PlannedStep("s1", "Say", 1, "Success", "", 0, lanes, ("web",), (action,))
    plan = Plan((Group((step,)),))
    world = World(plan, 1, random.Random(1))
    world.run()
    assert world.waited_for_all
    capped = World(replace(plan, worker_lease_cap=1), 1, random.Random(1))
    capped.run()
    assert not capped.waited_for_all


@settings(max_examples=200, phases=PHASES)
@given(plans(), st.integers(0, 10**6), st.integers(0, 12))
def test_cancel_always_ends_and_starts_nothing(plan: Plan, seed: int, after: int) -> None:
    world = World(plan, seed, random.Random(seed))
    state = world.run(cancel_after=after)
    assert state in {TaskState.CANCELED, TaskState.SUCCESS, TaskState.FAILED}


@settings(max_examples=100, phases=PHASES)
@given(plans(), st.integers(0, 10**6))
def test_children_of_a_place_run_in_order(plan: Plan, seed: int) -> None:
    world = World(plan, seed, random.Random(seed))
    world.run()
    order = {action.id: index for index, action in enumerate(_actions(plan))}
    for target in {target for _, target, _ in world.started}:
        sequence = [order[action] for action, place, _ in world.started if place == target]
        per_step = {}
        for step in plan.steps:
            ids = {order[action.id] for action in step.actions}
            per_step[step.id] = [index for index in sequence if index in ids]
        assert all(indexes == sorted(indexes) for indexes in per_step.values())


def _actions(plan: Plan) -> list[PlannedAction]:
    return [action for step in plan.steps for action in step.actions]
