"""What a space keeps where a lifecycle or a runbook says no more than "the default"."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.models import Space
from deployments.base.settings_rows import get_setting, set_setting
from deployments.projects.retention import (
    KEEP_EVERYTHING,
    InvalidRetention,
    RetentionPolicy,
    policy_from_json,
    policy_to_json,
    stored_policy,
)

RELEASES: Final = "LifecycleRelease"
TARGETS: Final = "LifecycleTentacle"
RUNS: Final = "RunbookRetention"
# What is kept, and the policy of a space that says nothing (projects.md 8.6, 11.2).
DEFAULTS: Final[Mapping[str, RetentionPolicy]] = {
    RELEASES: KEEP_EVERYTHING,
    TARGETS: KEEP_EVERYTHING,
    RUNS: RetentionPolicy(100),
}


def retention_defaults(space: Space) -> dict[str, RetentionPolicy]:
    """Return the space's policy for each kind of thing."""
    stored = get_setting(_key(space), {})
    return {
        kind: stored_policy(stored[kind]) if kind in stored else usual
        for kind, usual in DEFAULTS.items()
    }


def save_retention_defaults(
    *,
    actor: Actor,
    space: Space,
    policies: Mapping[str, Mapping[str, Any]],
    clock: Clock = utc_now,
) -> dict[str, RetentionPolicy]:
    """Store the policies of the kinds given, in the wire's shape. Raises Invalid."""
    require(actor, space, Permission.RetentionAdminister)
    changed: dict[str, RetentionPolicy] = {}
    for kind, document in policies.items():
        try:
            if kind not in DEFAULTS or document.get("Strategy") == "Default":
                raise InvalidRetention("A default is Forever or Count.")
            changed[kind] = policy_from_json(document)
        except InvalidRetention as error:
            raise Invalid(str(error), fields={kind: [str(error)]}) from error
    with transaction.atomic():
        before = retention_defaults(space)
        after = {**before, **changed}
        set_setting(_key(space), {kind: policy_to_json(row) for kind, row in after.items()})
        record(
            actor=actor,
            space=space,
            category="Modified",
            message="The retention defaults of the space were changed",
            subject=space.public_id,
            before=_said(before),
            after=_said(after),
            clock=clock,
        )
    return after


def _said(policies: Mapping[str, RetentionPolicy]) -> dict[str, str]:
    return {
        kind: row.words_for("run" if kind == RUNS else "release") for kind, row in policies.items()
    }


def _key(space: Space) -> str:
    return f"projects.retention/{space.public_id}"
