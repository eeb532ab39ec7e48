"""What the form of a machine policy shows and makes; when a policy upgrades an agent."""

import pytest

from deployments.infrastructure.health.updates import AgentUpdate, agent_update, is_to_be_upgraded
from deployments.infrastructure.services.policies import policy_document
from deployments.infrastructure.web.policy_form import document_of, form_of, words_of

# The span on the wire, the number and the unit that the form shows.
SPANS = (
    ("00:00:30", "30", "seconds"),
    ("00:02:00", "2", "minutes"),
    ("00:02:30", "150", "seconds"),
    ("01:00:00", "1", "hours"),
    ("1.00:00:00", "1", "days"),
    ("1.12:00:00", "36", "hours"),
    ("00:00:00", "0", "seconds"),
)
# What the agent runs, the server's version, the version it was last asked for.
UPGRADED = (
    ("0.9.0", "1.0.0", "", True),
    ("0.9.0", "1.0.0", "0.9.5", True),
    ("0.9.0", "1.0.0", "1.0.0", False),
    ("1.0.0", "1.0.0", "", False),
    ("1.1.0", "1.0.0", "", False),
    ("1.0.0-beta.1", "1.0.0", "", True),
    ("0.10.0", "0.9.0", "", False),
    ("", "1.0.0", "", False),
    ("unknown", "1.0.0", "", False),
)
# Behavior and moment on the wire.
UPDATES = (
    ("NeverUpdate", "Connection", AgentUpdate.NEVER),
    ("Update", "HealthCheck", AgentUpdate.HEALTH_CHECK),
    ("Update", "Connection", AgentUpdate.CONNECTION),
)


@pytest.mark.parametrize(("wire", "number", "unit"), SPANS)
def test_a_span_is_shown_in_its_largest_unit_and_comes_back(
    wire: str, number: str, unit: str
) -> None:
    stored = policy_document({"PollingRequestQueueTimeout": wire})
    form = form_of("a", "", stored)
    assert (form["take"], form["take_unit"]) == (number, unit)
    assert document_of(form, stored)["PollingRequestQueueTimeout"] == wire


def test_a_form_that_was_not_touched_changes_nothing() -> None:
    never = {"HealthCheckInterval": None, "HealthCheckCron": None}
    cron = {"HealthCheckInterval": None, "HealthCheckCron": "0 3 * * *"}
    inline = {"RunType": "Inline", "ScriptBody": "df -h\n"}
    for check in ({}, never, cron, {"BashHealthCheckPolicy": inline}):
        stored = policy_document(
            {
                "MachineHealthCheckPolicy": check,
                "MachineUpdatePolicy": {"TentacleUpdateBehavior": "Update"},
                "ConnectionRetryCountLimit": 7,
            }
        )
        assert document_of(form_of("a", "", stored), stored) == stored


@pytest.mark.parametrize("number", ["", "-1", "x", "1.5", "9" * 30])
def test_what_is_no_number_stays_to_be_refused(number: str) -> None:
    stored = policy_document({})
    form = {**form_of("a", "", stored), "every": number}
    check = document_of(form, stored)["MachineHealthCheckPolicy"]
    assert check["HealthCheckInterval"] == f"{number} hours".strip()


def test_the_words_of_a_list() -> None:
    assert words_of(policy_document({})) == {
        "check": "Script, every hour",
        "offline": "Fails the check",
        "cleanup": "Stays",
        "update": "Only when asked",
    }
    strict = policy_document(
        {
            "MachineHealthCheckPolicy": {
                "HealthCheckType": "OnlyConnectivity",
                "HealthCheckCron": "0 3 * * *",
                "HealthCheckCronTimezone": "Europe/Berlin",
            },
            "MachineConnectivityPolicy": {
                "MachineConnectivityBehavior": "MayBeOfflineAndCanBeSkipped"
            },
            "MachineCleanupPolicy": {
                "DeleteMachinesBehavior": "DeleteUnavailableMachines",
                "DeleteMachinesElapsedTimeSpan": "2.00:00:00",
            },
            "MachineUpdatePolicy": {"TentacleUpdateBehavior": "Update"},
        }
    )
    assert words_of(strict) == {
        "check": "Connection, by 0 3 * * * in Europe/Berlin",
        "offline": "Is skipped",
        "cleanup": "Is deleted after 2 days",
        "update": "After a health check",
    }


@pytest.mark.parametrize(("runs", "server", "asked", "expected"), UPGRADED)
def test_an_older_agent_is_asked_once_for_each_version(
    runs: str, server: str, asked: str, expected: bool
) -> None:
    assert is_to_be_upgraded(runs=runs, server=server, asked=asked) is expected


@pytest.mark.parametrize(("behavior", "moment", "expected"), UPDATES)
def test_when_a_policy_upgrades(behavior: str, moment: str, expected: AgentUpdate) -> None:
    update = {"TentacleUpdateBehavior": behavior, "TentacleUpdateMoment": moment}
    assert agent_update(policy_document({"MachineUpdatePolicy": update})) is expected
