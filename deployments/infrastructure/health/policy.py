"""The parts of a machine policy that health checks follow; free of the database."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from deployments.base.timespans import parse_timespan

CONNECTIVITY: Final = "OnlyConnectivity"
MAY_BE_OFFLINE: Final = "MayBeOfflineAndCanBeSkipped"
DELETE: Final = "DeleteUnavailableMachines"
# Policies with one interval are spread over this part of it, so that they do not meet.
_SPREAD: Final = 0.1
_MOST_SPREAD: Final = timedelta(minutes=5)
_TAKE_WITHIN: Final = timedelta(minutes=2)
_DELETE_AFTER: Final = timedelta(hours=1)
_SHORTEST: Final = timedelta(minutes=1)


class WrongPolicy(ValueError):
    """A setting of a policy that cannot be used; `field` names its part."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """What a policy says about checks. `script` is empty when another one is inherited.

    Neither `interval` nor `cron` means that nothing is checked by itself.
    """

    only_connectivity: bool = False
    script: str = ""
    interval: timedelta | None = timedelta(hours=1)
    cron: str = ""
    zone: str = "UTC"
    may_be_offline: bool = False
    deletes: bool = False
    delete_after: timedelta = _DELETE_AFTER
    take_within: timedelta = _TAKE_WITHIN

    def next_after(self, moment: datetime) -> datetime | None:
        """Return when the next check is due, without what spreads the policies."""
        if self.cron:
            local = moment.astimezone(ZoneInfo(self.zone))
            return next(CronSim(self.cron, local)).astimezone(moment.tzinfo)
        return moment + self.interval if self.interval else None


def health_policy(document: Mapping[str, Any]) -> HealthPolicy:
    """Read a policy's document that has all its parts. Raises WrongPolicy."""
    check = document["MachineHealthCheckPolicy"]
    cleanup = document["MachineCleanupPolicy"]
    interval, cron = check["HealthCheckInterval"], str(check["HealthCheckCron"] or "").strip()
    zone = str(check["HealthCheckCronTimezone"] or "UTC")
    if cron:
        _require_cron(cron, zone)
    bash = check["BashHealthCheckPolicy"] or {}
    inline = bash.get("RunType") == "Inline"
    connectivity = document["MachineConnectivityPolicy"]
    return HealthPolicy(
        only_connectivity=check["HealthCheckType"] == CONNECTIVITY,
        script=str(bash.get("ScriptBody") or "") if inline else "",
        interval=None if cron or not interval else _interval(interval),
        cron=cron,
        zone=zone,
        may_be_offline=connectivity["MachineConnectivityBehavior"] == MAY_BE_OFFLINE,
        deletes=cleanup["DeleteMachinesBehavior"] == DELETE,
        delete_after=_span("MachineCleanupPolicy", cleanup["DeleteMachinesElapsedTimeSpan"]),
        take_within=_span("PollingRequestQueueTimeout", document["PollingRequestQueueTimeout"]),
    )


def first_check(policy: HealthPolicy, key: str, now: datetime) -> datetime | None:
    """Return when a policy that was never checked is due: somewhere in its first interval."""
    if policy.cron:
        return next_check(policy, key, now)
    return now + policy.interval * _fraction(key) if policy.interval else None


def next_check(policy: HealthPolicy, key: str, now: datetime) -> datetime | None:
    """Return when the policy is due again; its key moves it a little away from others."""
    due = policy.next_after(now)
    if due is None:
        return None
    return due + min((due - now) * _SPREAD, _MOST_SPREAD) * _fraction(key)


def seconds_away(policy: HealthPolicy, before: datetime, now: datetime) -> float:
    """Return how much of the time between two failed checks may count as absence.

    A time without checks because the server was down is no absence of the machine.
    """
    due = policy.next_after(before)
    counted = now if due is None else min(now, due + _MOST_SPREAD)
    return max(0.0, (counted - before).total_seconds())


def _fraction(key: str) -> float:
    return zlib.crc32(key.encode()) / 2**32


def _interval(text: object) -> timedelta:
    span = _span("MachineHealthCheckPolicy", text)
    if span < _SHORTEST:
        raise WrongPolicy(
            "MachineHealthCheckPolicy", "The interval of health checks must be a minute or more."
        )
    return span


def _span(field: str, text: object) -> timedelta:
    span = parse_timespan(text)
    if span is None:
        raise WrongPolicy(field, f"'{text}' is no time span such as 01:00:00.")
    return span


def _require_cron(cron: str, zone: str) -> None:
    field = "MachineHealthCheckPolicy"
    try:
        next(CronSim(cron, datetime(2024, 1, 1, tzinfo=ZoneInfo(zone))))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise WrongPolicy(field, f"'{zone}' is no time zone.") from error
    except (CronSimError, StopIteration) as error:
        raise WrongPolicy(field, f"'{cron}' is no cron expression of five parts.") from error
