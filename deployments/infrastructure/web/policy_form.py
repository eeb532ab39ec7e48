"""The form of a machine policy: what stands in it, and the document that it makes; no database."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from deployments.base.numbers import whole_number
from deployments.base.timespans import parse_timespan
from deployments.infrastructure.health.updates import AgentUpdate, agent_update

UNITS: Final = (("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86400))
SCHEDULES: Final = (
    ("interval", "Again and again"),
    ("cron", "By a cron expression"),
    ("never", "Only when somebody asks"),
)
UPDATES: Final = (
    (AgentUpdate.NEVER, "Only when somebody asks"),
    (AgentUpdate.HEALTH_CHECK, "After a health check that found the machine well"),
    (AgentUpdate.CONNECTION, "Within a minute, whenever an older agent is connected"),
)
_SECONDS: Final = dict(UNITS)
# So that a number that was typed makes a span that the wire can say.
_MOST_DIGITS: Final = 6
_FIELDS: Final = (
    *("name", "description", "check_type", "script_from", "script", "schedule", "every", "unit"),
    *("cron", "zone", "connectivity", "take", "take_unit", "cleanup", "away", "away_unit"),
    "update",
)


def form_of(name: str, description: str, document: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that show a policy's document, which has all its parts."""
    check = document["MachineHealthCheckPolicy"]
    bash = check["BashHealthCheckPolicy"]
    cleanup = document["MachineCleanupPolicy"]
    cron = str(check["HealthCheckCron"] or "")
    interval = check["HealthCheckInterval"]
    every, unit = _number_and_unit(interval or "01:00:00")
    take, take_unit = _number_and_unit(document["PollingRequestQueueTimeout"])
    away, away_unit = _number_and_unit(cleanup["DeleteMachinesElapsedTimeSpan"])
    return {
        "name": name,
        "description": description,
        "check_type": check["HealthCheckType"],
        "script_from": bash["RunType"],
        "script": bash.get("ScriptBody") or "",
        "schedule": "cron" if cron else "interval" if interval else "never",
        "every": every,
        "unit": unit,
        "cron": cron,
        "zone": check["HealthCheckCronTimezone"] or "UTC",
        "connectivity": document["MachineConnectivityPolicy"]["MachineConnectivityBehavior"],
        "take": take,
        "take_unit": take_unit,
        "cleanup": cleanup["DeleteMachinesBehavior"],
        "away": away,
        "away_unit": away_unit,
        "update": agent_update(document),
    }


def sent_form(fields: Mapping[str, str]) -> dict[str, str]:
    """Return every field as it was sent."""
    return {name: fields.get(name, "") for name in _FIELDS}


def document_of(form: Mapping[str, str], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that a form makes; what it does not show stays as it was stored."""
    schedule, update = form["schedule"], form["update"]
    check = {
        **stored["MachineHealthCheckPolicy"],
        "HealthCheckType": form["check_type"],
        "HealthCheckInterval": (
            _span(form["every"], form["unit"]) if schedule == "interval" else None
        ),
        "HealthCheckCron": form["cron"].strip() or "nothing" if schedule == "cron" else None,
        "HealthCheckCronTimezone": form["zone"].strip() or "UTC",
        "BashHealthCheckPolicy": {
            "RunType": form["script_from"],
            "ScriptBody": form["script"].replace("\r\n", "\n") or None,
        },
    }
    behavior = "NeverUpdate" if update == AgentUpdate.NEVER else "Update"
    moment = AgentUpdate.HEALTH_CHECK if update == AgentUpdate.NEVER else update
    return {
        **stored,
        "MachineHealthCheckPolicy": check,
        "MachineConnectivityPolicy": {"MachineConnectivityBehavior": form["connectivity"]},
        "MachineCleanupPolicy": {
            "DeleteMachinesBehavior": form["cleanup"],
            "DeleteMachinesElapsedTimeSpan": _span(form["away"], form["away_unit"]),
        },
        "MachineUpdatePolicy": {
            **stored["MachineUpdatePolicy"],
            "TentacleUpdateBehavior": behavior,
            "TentacleUpdateMoment": str(moment),
        },
        "PollingRequestQueueTimeout": _span(form["take"], form["take_unit"]),
    }


def words_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what a policy does, in a few words for each part."""
    form = form_of("", "", document)
    kind = "Connection" if form["check_type"] == "OnlyConnectivity" else "Script"
    when = {
        "cron": f"by {form['cron']} in {form['zone']}",
        "interval": f"every {_counted(form['every'], form['unit'])}",
        "never": "only when asked",
    }
    away = _counted(form["away"], form["away_unit"])
    is_expected = form["connectivity"] == "ExpectedToBeOnline"
    is_kept = form["cleanup"] == "DoNotDelete"
    updates = {
        AgentUpdate.NEVER: "Only when asked",
        AgentUpdate.HEALTH_CHECK: "After a health check",
        AgentUpdate.CONNECTION: "When connected",
    }
    return {
        "check": f"{kind}, {when[form['schedule']]}",
        "offline": "Fails the check" if is_expected else "Is skipped",
        "cleanup": "Stays" if is_kept else f"Is deleted after {away}",
        "update": updates[AgentUpdate(form["update"])],
    }


def _number_and_unit(text: object) -> tuple[str, str]:
    """Return a span in the largest unit that it is a whole number of; as it is if it is none."""
    span = parse_timespan(text)
    if span is None or span.microseconds:
        return str(text), "seconds"
    seconds = int(span.total_seconds())
    unit = next((name for name, size in reversed(UNITS) if seconds and seconds % size == 0), "")
    return (str(seconds // _SECONDS[unit]), unit) if unit else ("0", "seconds")


def _span(number: str, unit: str) -> str:
    """Return the wire's form of a number of units, or what was typed when it is none."""
    count = whole_number(number.strip(), _MOST_DIGITS)
    if count is None or unit not in _SECONDS:
        return f"{number} {unit}".strip()
    span = timedelta(seconds=count * _SECONDS[unit])
    hours, rest = divmod(span.seconds, 3600)
    clock = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    return f"{span.days}.{clock}" if span.days else clock


def _counted(number: str, unit: str) -> str:
    return unit.removesuffix("s") if number == "1" else f"{number} {unit}"
