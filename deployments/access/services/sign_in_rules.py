"""What the server demands of everybody who signs in; the rows are `sign_in.*`."""

from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.models import ServerSetting
from deployments.base.settings_rows import set_setting

_PREFIX = "sign_in."
# Field -> (least, most).
LIMITS = {
    "idle_hours": (1, 24 * 90),
    "longest_days": (1, 365),
    "key_days": (1, 1096),
    "key_most_days": (1, 1096),
}


@dataclass(frozen=True, slots=True)
class SignInRules:
    """`key_days` is how long an API key lives when nobody says so, `key_most_days` the limit."""

    require_second_factor: bool = False
    idle_hours: int = 24
    longest_days: int = 30
    people_have_keys: bool = True
    key_days: int = 180
    key_most_days: int = 1096

    @property
    def longest(self) -> timedelta:
        """How long a session lives however busy it is."""
        return timedelta(days=self.longest_days)

    def idle(self, *, remember: bool) -> timedelta:
        """Return how long a session lives unused."""
        return self.longest if remember else min(timedelta(hours=self.idle_hours), self.longest)


def sign_in_rules() -> SignInRules:
    """Return the rules in force."""
    rows = ServerSetting.objects.filter(key__startswith=_PREFIX)
    stored = {row.key.removeprefix(_PREFIX): row.value for row in rows}
    names = {field.name for field in fields(SignInRules)}
    return SignInRules(**{name: value for name, value in stored.items() if name in names})


def save_sign_in_rules(*, actor: Actor, rules: SignInRules, clock: Clock = utc_now) -> None:
    """Change the rules; sessions and keys that exist keep their ends. Raises Invalid."""
    require_system(actor, Permission.ConfigureServer)
    _require_valid(asdict(rules))
    with transaction.atomic():
        before = sign_in_rules()
        for name, value in asdict(rules).items():
            set_setting(_PREFIX + name, value)
        record(
            actor=actor,
            space=None,
            category="Modified",
            message="The rules of signing in were changed",
            subject="authenticationconfiguration",
            before=asdict(before),
            after=asdict(rules),
            clock=clock,
        )


def _require_valid(values: dict[str, Any]) -> None:
    problems = {
        name: [f"A number from {least} to {most}."]
        for name, (least, most) in LIMITS.items()
        if not least <= values[name] <= most
    }
    if not problems and values["key_days"] > values["key_most_days"]:
        problems["key_days"] = ["Not more than the longest life of a key."]
    if problems:
        raise Invalid(fields=problems)
