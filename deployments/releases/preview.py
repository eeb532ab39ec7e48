"""Which actions a deployment would run on which targets; pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from deployments.projects.process import Action, Process, split_list
from tenants.matching import matches_tags


@dataclass(frozen=True, slots=True)
class Target:
    """A machine of the environment, as far as choosing it goes."""

    id: str
    name: str
    roles: frozenset[str]
    is_available: bool = True
    is_unhealthy: bool = False

    def has_any(self, roles: Collection[str]) -> bool:
        """Whether it has one of the roles, ignoring case."""
        mine = {role.lower() for role in self.roles}
        return any(role.lower() in mine for role in roles)


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """The targets that the deployer picked out or left out, by public id or by target tag."""

    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    only_tags: frozenset[str] = frozenset()
    without_tags: frozenset[str] = frozenset()
    leave_out_unhealthy: bool = False

    def takes(self, target: Target) -> bool:
        """Whether the target takes part."""
        if self.leave_out_unhealthy and target.is_unhealthy:
            return False
        if target.id in self.without or target.has_any(self.without_tags):
            return False
        if not (self.only or self.only_tags):
            return True
        return target.id in self.only or target.has_any(self.only_tags)


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """An action of the plan. `needs_targets` says that it is about machines with its roles."""

    number: str
    step_name: str
    action_id: str
    action_name: str
    action_type: str
    roles: tuple[str, ...]
    targets: tuple[Target, ...]
    excluded: tuple[Target, ...]
    needs_targets: bool
    can_be_skipped: bool
    is_skipped: bool

    @property
    def has_no_targets(self) -> bool:
        return self.needs_targets and not self.targets

    @property
    def unavailable(self) -> tuple[Target, ...]:
        return tuple(target for target in self.targets if not target.is_available)


def planned_actions(
    process: Process,
    *,
    environment: str,
    channel: str,
    targets: Sequence[Target],
    choice: TargetChoice = TargetChoice(),
    skipped: Collection[str] = (),
    roles_of: "dict[str, str] | None" = None,
    tenant_tags: Collection[str] | None = None,
) -> tuple[PlannedAction, ...]:
    """Return the actions that apply, in order; skipped ones are marked.

    `environment` and `channel` are public ids, `skipped` action ids. `roles_of` gives the role text
    of steps (by id) whose own one had expressions. `tenant_tags` are those of the tenant, None
    without one.
    """
    planned = []
    found: dict[tuple[str, ...], tuple[tuple[Target, ...], tuple[Target, ...]]] = {}
    for position, step in enumerate(process.steps, start=1):
        text = (roles_of or {}).get(step.id)
        roles = step.target_roles if text is None else split_list(text)
        if roles not in found:
            matching = [target for target in targets if target.has_any(roles)]
            found[roles] = (
                tuple(target for target in matching if choice.takes(target)),
                tuple(target for target in matching if not choice.takes(target)),
            )
        taken, left_out = found[roles]
        for index, action in enumerate(step.actions, start=1):
            if not _applies(action, environment, channel, tenant_tags):
                continue
            number = str(position) if len(step.actions) == 1 else f"{position}.{index}"
            planned.append(
                PlannedAction(
                    number=number,
                    step_name=step.name,
                    action_id=action.id,
                    action_name=action.name,
                    action_type=action.action_type,
                    roles=roles,
                    targets=taken,
                    excluded=left_out,
                    needs_targets=bool(roles),
                    can_be_skipped=not action.must_run,
                    is_skipped=action.id in skipped,
                )
            )
    return tuple(planned)


def _applies(
    action: Action, environment: str, channel: str, tenant_tags: Collection[str] | None
) -> bool:
    if not action.applies_to(
        environment=environment, channel=channel, is_tenanted=tenant_tags is not None
    ):
        return False
    return not action.tenant_tags or matches_tags(action.tenant_tags, tenant_tags or ())


def lacks_targets(planned: Sequence[PlannedAction]) -> bool:
    """Whether there are steps about targets and none of them has one."""
    about_targets = [action for action in planned if action.needs_targets and not action.is_skipped]
    return bool(about_targets) and all(not action.targets for action in about_targets)
