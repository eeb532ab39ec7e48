"""Registration tokens: each lets one agent register, within what its maker chose."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotAuthenticated
from deployments.base.models import Space
from deployments.infrastructure.agent_credentials import digest
from deployments.infrastructure.models import (
    Environment,
    Machine,
    MachineEnvironment,
    RegistrationToken,
    WorkerPool,
)
from deployments.infrastructure.services.registration import (
    CREDENTIAL_BYTES,
    Registered,
    Wish,
    register,
)

TOKEN_LIFE = timedelta(hours=1)


def create_registration_token(
    *,
    actor: Actor,
    space: Space,
    environments: Sequence[Environment] = (),
    roles: Sequence[str] = (),
    is_built_in_worker: bool = False,
    worker_pools: Sequence[WorkerPool] = (),
    clock: Clock = utc_now,
) -> str:
    """Return a new one-use token that lives an hour; only its hash is kept.

    With pools it makes a worker in them, else a target.
    """
    is_worker = is_built_in_worker or bool(worker_pools)
    permission = Permission.WorkerEdit if is_worker else Permission.MachineCreate
    require(actor, space, permission, environment=[row.pk for row in environments])
    token = f"TOKEN-{secrets.token_hex(CREDENTIAL_BYTES).upper()}"
    now = clock()
    with transaction.atomic():
        RegistrationToken.objects.filter(space=space, expires__lt=now).delete()
        RegistrationToken.objects.create(
            space=space,
            sha256=digest(token),
            created_by=actor.public_id,
            created=now,
            expires=now + TOKEN_LIFE,
            environments=[environment.name for environment in environments],
            roles=list(roles),
            is_built_in_worker=is_built_in_worker,
            is_worker=is_worker,
            worker_pools=[pool.name for pool in worker_pools],
        )
        events.record(
            actor=actor,
            space=space,
            category="RegistrationTokenCreated",
            message=f"A registration token for agents was created by {actor.display_name}",
            clock=clock,
        )
    return token


def register_with_token(*, token: str, wish: Wish, clock: Clock = utc_now) -> Registered:
    """Register with a token and use it up; raises NotAuthenticated for a wrong or used one."""
    now = clock()
    row = RegistrationToken.objects.filter(sha256=digest(token)).select_related("space").first()
    if row is None or row.used is not None or row.expires < now:
        raise NotAuthenticated(
            "The registration token is wrong, was used already or has expired. Make a new one on"
            " the page where deployment targets or workers are added."
        )
    if row.is_worker and not wish.is_worker:
        raise Invalid("This token registers workers only.")
    if wish.is_worker and not row.is_worker:
        # Its maker needed no right over workers, and a worker runs what every project tells it.
        raise Invalid("This token registers deployment targets only. Make one for workers.")
    actor = Actor.system(f"registration token of {row.created_by}")
    merged = replace(
        wish,
        roles=wish.roles or row.roles,
        environments=wish.environments or row.environments,
        worker_pools=wish.worker_pools or row.worker_pools,
    )
    _require_inside_token(row, merged)
    _require_own_target(row, merged)
    with transaction.atomic():
        used = RegistrationToken.objects.filter(pk=row.pk, used=None).update(used=now)
        if not used:
            raise NotAuthenticated("The registration token was used already.")
        answer = register(
            actor=actor,
            space=row.space,
            wish=merged,
            is_built_in=row.is_built_in_worker,
            clock=clock,
        )
        RegistrationToken.objects.filter(pk=row.pk).update(registered=answer.machine_id)
    return answer


def _require_inside_token(row: RegistrationToken, wish: Wish) -> None:
    outside = {name.lower() for name in wish.environments} - {
        str(name).lower() for name in row.environments
    }
    if row.environments and outside:
        raise Invalid(f"The token does not allow these environments: {', '.join(sorted(outside))}.")
    if wish.tenancy.tenants or wish.tenancy.tags:
        # Its maker chose no tenants, and a target gets the secrets of those that it serves.
        raise Invalid("The token does not allow tenants. Give them to the target afterwards.")
    pools = {str(name).lower() for name in row.worker_pools}
    strange = [name for name in wish.worker_pools if name.strip().lower() not in pools]
    if row.worker_pools and strange:
        raise Invalid(f"The token does not allow these worker pools: {', '.join(sorted(strange))}.")


def _require_own_target(row: RegistrationToken, wish: Wish) -> None:
    """Refuse to replace the agent of a target that is also where the token does not reach."""
    if row.is_worker:
        return
    target = Machine.objects.in_space(row.space).filter(name__iexact=wish.name.strip()).first()
    if target is None:
        return
    allowed = {str(name).lower() for name in row.environments}
    places = MachineEnvironment.objects.filter(machine=target).select_related("environment")
    if any(place.environment.name.lower() not in allowed for place in places):
        raise Invalid("The token does not allow replacing the agent of this deployment target.")
