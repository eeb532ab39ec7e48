"""The plans of several places, those of equal ones together, and what they ask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from deployments.infrastructure.models import Environment
from deployments.releases.models import Frozen
from deployments.releases.prompts import Prompt, prompts_for
from deployments.releases.services.exact_plan import ExactPlan
from deployments.releases.variables import prompts_of
from tenants.queries import TenantScope

MOST_PLANS: Final = 8
MOST_NAMED: Final = 5


class Lane(Protocol):
    """A place of the form."""

    @property
    def environment(self) -> Environment: ...
    @property
    def scope(self) -> TenantScope | None: ...


L = TypeVar("L", bound=Lane)


@dataclass(frozen=True, slots=True)
class SharedPlan(Generic[L]):
    """A plan with the places that it is the same for."""

    plan: ExactPlan
    lanes: tuple[L, ...]


def shared_plans(lanes: Sequence[L], planned: Callable[[L], ExactPlan]) -> list[SharedPlan[L]]:
    """Return the plans of the places in their order, each plan once."""
    found: list[tuple[ExactPlan, list[L]]] = []
    for lane in lanes:
        plan = planned(lane)
        same = next((members for other, members in found if other == plan), None)
        if same is None:
            found.append((plan, [lane]))
        else:
            same.append(lane)
    return [SharedPlan(plan, tuple(members)) for plan, members in found]


def prompts_of_all(frozen: Frozen, lanes: Sequence[Lane]) -> list[Prompt]:
    """Return the prompts of all the places, each once."""
    if not prompts_of(frozen):
        return []
    found = {
        prompt.id: prompt
        for lane in lanes
        for prompt in prompts_for(frozen, environment=lane.environment.public_id, tenant=lane.scope)
    }
    return sorted(found.values(), key=lambda prompt: prompt.label.lower())
