"""Copying variables from one set to another, as cloning a project does."""

from collections.abc import Mapping

from deployments.base.actor import Actor
from deployments.base.secrets import secret_box
from deployments.library.models import Variable, VariableSet
from deployments.library.queries import visible_variables


def copy_variables(
    *,
    actor: Actor,
    source: VariableSet,
    target: VariableSet,
    renamed: Mapping[str, str] | None = None,
) -> None:
    """Copy what the actor may see; secrets are sealed again for the target.

    `renamed` maps old ids in scopes (actions, channels) to new ones. The caller records the event.
    """
    names = renamed or {}
    copies = []
    for row in visible_variables(actor, source):
        copy = Variable(
            space=target.space,
            variable_set=target,
            guid=row.guid,
            position=row.position,
            name=row.name,
            value=row.value,
            kind=row.kind,
            description=row.description,
            is_sensitive=row.is_sensitive,
            scope={
                dimension: [names.get(text, text) for text in values]
                for dimension, values in row.scope.items()
            },
            prompt=row.prompt,
        )
        if row.sealed_value is not None:
            secret = secret_box().open(bytes(row.sealed_value), place=row.secret_place)
            copy.sealed_value = secret_box().seal(secret.reveal(), place=copy.secret_place)
        copies.append(copy)
    Variable.objects.bulk_create(copies)
