"""The plan of a task as frozen data with a JSON form; free of Django.

Groups run one after the other; the steps of a group run side by side; the actions of a step
run in order on each of its places.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Final

from agent.contracts import limits

SERVER_PLACE: Final = "OctopusServer"
SERVER_NAME: Final = "Octopus Server"
DEFAULT_PARALLELISM: Final = 10
DEFAULT_START_WITHIN_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an action runs: about which target, and by whose hands.

    `target_id` is a machine's public id, or SERVER_PLACE. `agent` is the row number of the agent
    that runs it; None means the server itself, or that nobody can (`error` says why). A worker was
    taken from the pool. The target
    leaves the deployment, instead of failing it, when its agent is away and it
    `may_be_left_out`.
    """

    target_id: str = SERVER_PLACE
    target_name: str = SERVER_NAME
    agent: int | None = None
    worker_id: str = ""
    worker_name: str = ""
    error: str = ""
    may_be_left_out: bool = False
    pool_id: str = ""
    pool_name: str = ""


@dataclass(frozen=True)
class PlannedAction:
    """One action. `once` marks one that waits for every place of its step and runs one time.

    `skip_reason` is set when a person left it out. Times are seconds; 0 means none. A failure of
    a `guided` one is asked about; a `required` one must not be passed over then.
    """

    id: str
    name: str
    action_type: str
    number: str
    placements: tuple[Placement, ...]
    condition: str = "Success"
    expression: str = ""
    once: bool = False
    skip_reason: str = ""
    attempts: int = 1
    backoff_s: float = 0.0
    time_limit_s: float = 0.0
    blocks_others: bool = False
    guided: bool = False
    required: bool = False

    def placement(self, target_id: str) -> Placement | None:
        """Return where it runs for the target."""
        return self._places.get(target_id)

    @cached_property
    def _places(self) -> dict[str, Placement]:
        return {place.target_id: place for place in self.placements}


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """Actions that share places and a run condition. `window` is the size of a rolling one.

    `parallelism` caps its places where it has a limit of its own; 0 takes the plan's.
    """

    id: str
    name: str
    number: int
    condition: str
    expression: str
    window: int
    lanes: tuple[str, ...]
    roles: tuple[str, ...]
    actions: tuple[PlannedAction, ...]
    skip_reason: str = ""
    parallelism: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Steps that run side by side."""

    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a task may do. `parallelism` caps steps of a group and places of a step.

    An agent has `start_within_s` seconds to begin a command. `warnings` are told when it starts.
    `worker_lease_cap` is how many actions with packages may be on one worker; 0 is no limit. A
    command may print `spool_cap` bytes. One that `may_grow` gets targets while it is carried out.
    After `time_limit_s` seconds the whole task has failed; 0 means none.
    """

    groups: tuple[Group, ...] = ()
    parallelism: int = DEFAULT_PARALLELISM
    start_within_s: float = DEFAULT_START_WITHIN_S
    warnings: tuple[str, ...] = ()
    worker_lease_cap: int = 0
    spool_cap: int = limits.SPOOL_CAP
    may_grow: bool = False
    time_limit_s: float = 0.0

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        return tuple(step for group in self.groups for step in group.steps)

    @property
    def places(self) -> int:
        """How often it runs an action somewhere."""
        return sum(len(action.placements) for step in self.steps for action in step.actions)

    def target_ids(self) -> tuple[str, ...]:
        """Return the machines that take part, each once, in order."""
        lanes = (lane for step in self.steps for lane in step.lanes)
        return tuple(dict.fromkeys(lane for lane in lanes if lane != SERVER_PLACE))


_OWN: Final = tuple(entry.name for entry in fields(Plan) if entry.name != "groups")


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Write the document that plan_from_json reads."""
    return asdict(plan)


def plan_from_json(document: Mapping[str, Any]) -> Plan:
    """Read a stored plan."""
    groups = tuple(Group(tuple(map(_step, group["steps"]))) for group in document["groups"])
    # A plan that an older server stored lacks what came later.
    rest = {name: document[name] for name in _OWN if name in document}
    return Plan(groups, **{**rest, "warnings": tuple(rest.get("warnings", ()))})


def _step(document: Mapping[str, Any]) -> PlannedStep:
    return PlannedStep(
        **{
            **document,
            "lanes": tuple(document["lanes"]),
            "roles": tuple(document["roles"]),
            "actions": tuple(map(_action, document["actions"])),
        }
    )


def _action(document: Mapping[str, Any]) -> PlannedAction:
    placements = tuple(Placement(**place) for place in document["placements"])
    return PlannedAction(**{**document, "placements": placements})
