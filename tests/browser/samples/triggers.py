"""Triggers of the sample, and what they are said to have decided."""

from collections.abc import Mapping

from deployments.base.actor import Actor
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome, Project
from deployments.projects.services.decisions import Decision, log_decision
from deployments.releases.queries import releases_of
from tests.factories.automation import make_trigger


def make_triggers(project: Project, places: Mapping[str, Environment], actor: Actor) -> None:
    """Make a schedule, a trigger of targets and one of packages."""
    names = {name: place.public_id for name, place in places.items()}
    nightly = make_trigger(
        project,
        {
            "FilterType": "OnceDailySchedule",
            "StartTime": "2026-01-01T02:30:00",
            "DaysOfWeek": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
            "Timezone": "Europe/Berlin",
        },
        {
            "ActionType": "DeployLatestRelease",
            "SourceEnvironmentIds": [names["Test"]],
            "DestinationEnvironmentId": names["Staging"],
        },
        name="Nightly to Staging",
        actor=actor,
        description="Brings Staging to what Test has, before anybody is at work.",
    )
    make_trigger(
        project,
        {
            "FilterType": "MachineFilter",
            "EventGroups": ["MachineAvailableForDeployment"],
            "EnvironmentIds": [names["Production"]],
            "Roles": ["web"],
        },
        {"ActionType": "AutoDeploy"},
        name="New web servers",
        actor=actor,
    )
    release = releases_of(project)[0]
    told = (
        (Outcome.NOTHING, f"{release.version} is current in Staging already."),
        (
            Outcome.REFUSED,
            f"{release.version} was not deployed to Staging: ben lacks DeploymentCreate.",
        ),
        (Outcome.DEPLOYED, f"{release.version}, current in Test, is deployed to Staging."),
    )
    for outcome, reason in told:
        decision = Decision(
            outcome,
            "Planned for 2026-11-27 01:30:00 UTC",
            reason,
            release_id=release.public_id,
            environment_id=names["Staging"],
        )
        log_decision(project, decision, trigger=nightly)
