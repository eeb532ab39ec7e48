"""Creating, changing, ordering and deleting environments."""

from collections.abc import Sequence
from typing import Any, Final, Unpack

from django.db import transaction
from django.db.models import Max, ProtectedError

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on
from deployments.base import events, public_ids
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import free_slug, require_free_name, required_name
from deployments.infrastructure.models import Environment, MachineEnvironment
from deployments.library.queries import restricted_to_environment, variables_naming

_MOST_SHOWN: Final = 5


def create_environment(
    *,
    actor: Actor,
    space: Space,
    name: str,
    description: str = "",
    slug: str = "",
    sort_order: int | None = None,
    use_guided_failure: bool = False,
    allow_dynamic_infrastructure: bool = False,
) -> Environment:
    """Create an environment at the end of the order unless told otherwise."""
    require(actor, space, Permission.EnvironmentCreate)
    environment = Environment(
        space=space,
        name=required_name(name),
        description=description,
        use_guided_failure=use_guided_failure,
        allow_dynamic_infrastructure=allow_dynamic_infrastructure,
    )
    with transaction.atomic():
        require_free_name(environment, "An environment")
        environment.slug = free_slug(environment, slug)
        environment.sort_order = _next_order(space) if sort_order is None else sort_order
        environment.save(force_insert=True)
        _record(actor, environment, "Created", "created", after=_snapshot(environment))
    return environment


def update_environment(
    *,
    actor: Actor,
    environment: Environment,
    name: str,
    description: str = "",
    slug: str = "",
    sort_order: int | None = None,
    use_guided_failure: bool = False,
    allow_dynamic_infrastructure: bool = False,
) -> Environment:
    """Give the environment these values; an empty slug and an absent order stay."""
    require_on(actor, environment, Permission.EnvironmentEdit)
    before = _snapshot(environment)
    environment.name = required_name(name)
    environment.description = description
    environment.use_guided_failure = use_guided_failure
    environment.allow_dynamic_infrastructure = allow_dynamic_infrastructure
    if sort_order is not None:
        environment.sort_order = sort_order
    with transaction.atomic():
        require_free_name(environment, "An environment")
        environment.slug = free_slug(environment, slug or environment.slug)
        environment.save()
        after = _snapshot(environment)
        _record(actor, environment, "Modified", "changed", before=before, after=after)
    return environment


def sort_environments(*, actor: Actor, space: Space, ids: Sequence[str]) -> list[Environment]:
    """Put the environments into this order; every one must be named once."""
    rows = {row.public_id.lower(): row for row in Environment.objects.in_space(space)}
    wanted = [text.lower() for text in ids]
    if sorted(wanted) != sorted(rows):
        raise Invalid("The sort order must name every environment of the space exactly once.")
    ordered = [rows[text] for text in wanted]
    for row in ordered:
        require_on(actor, row, Permission.EnvironmentEdit)
    with transaction.atomic():
        for position, row in enumerate(ordered):
            row.sort_order = position
        Environment.objects.in_space(space).bulk_update(ordered, ["sort_order"])
        events.record(
            actor=actor,
            space=space,
            category="Modified",
            message="Environments put into another order",
            related=[row.public_id for row in ordered],
        )
    return ordered


def delete_environment(*, actor: Actor, environment: Environment) -> None:
    """Delete an environment that nothing refers to; the error lists what does."""
    require_on(actor, environment, Permission.EnvironmentDelete)
    uses = _uses(environment)
    if uses:
        raise Invalid(
            f"The environment '{environment.name}' cannot be deleted because it is used by"
            f" {', '.join(uses)}."
        )
    with transaction.atomic():
        _record(actor, environment, "Deleted", "deleted", before=_snapshot(environment))
        try:
            environment.delete()
        except ProtectedError as error:
            kinds = sorted({str(row._meta.verbose_name_plural) for row in error.protected_objects})  # noqa: SLF001
            raise Invalid(
                f"The environment '{environment.name}' cannot be deleted because other things"
                f" use it ({', '.join(kinds)})."
            ) from error


def _uses(environment: Environment) -> list[str]:
    machines = MachineEnvironment.objects.filter(environment=environment)
    names = [row.machine.name for row in machines.select_related("machine")[:_MOST_SHOWN]]
    uses = [f"the deployment target '{name}'" for name in names]
    variables = variables_naming(environment.space, "Environment", environment.public_id)
    uses += [
        f"the variable '{row.name}' of {row.variable_set.owner_id}"
        for row in variables[:_MOST_SHOWN]
    ]
    # Without it they would be for every environment.
    restricted = restricted_to_environment(environment.space, environment.pk)
    uses += [f"the {row.kind_word} '{row}'" for row in restricted[:_MOST_SHOWN]]
    return uses


def _next_order(space: Space) -> int:
    highest = Environment.objects.in_space(space).aggregate(highest=Max("sort_order"))["highest"]
    return 0 if highest is None else int(highest) + 1


def _snapshot(environment: Environment) -> dict[str, Any]:
    return {
        "Name": environment.name,
        "Slug": environment.slug,
        "Description": environment.description,
        "SortOrder": environment.sort_order,
        "UseGuidedFailure": environment.use_guided_failure,
        "AllowDynamicInfrastructure": environment.allow_dynamic_infrastructure,
    }


def _record(
    actor: Actor,
    environment: Environment,
    category: str,
    verb: str,
    **snapshots: Unpack[events.Snapshots],
) -> None:
    events.record(
        actor=actor,
        space=environment.space,
        category=category,
        message=f"Environment {environment.name} was {verb}",
        subject=public_ids.make("Environments", environment.pk),
        **snapshots,
    )
