"""Triggers of the sample, and what they are said to have decided."""

from collections.abc import Mapping

from deployments.base.actor import Actor
from deployments.base.clock import utc_now
from deployments.infrastructure.models import Environment
from deployments.projects.models import Outcome, Project, WatchedRepository
from deployments.projects.services.decisions import Decision, log_decision
from deployments.releases.queries import releases_of
from tests.factories.automation import make_trigger


def make_triggers(project: Project, places: Mapping[str, Environment], actor: Actor) -> None:
    """Make a schedule, and a trigger each for targets, a repository and another project."""
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
    _watch_repository(project, actor)
    other = Project.objects.in_space(project.space).exclude(pk=project.pk).order_by("pk")[0]
    make_trigger(
        project,
        {
            "FilterType": "ProjectFilter",
            "SourceProjectId": other.public_id,
            "EnvironmentIds": [names["Test"]],
        },
        {"ActionType": "DeployLatestRelease", "DestinationEnvironmentId": names["Test"]},
        name=f"After {other.name}",
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


def _watch_repository(project: Project, actor: Actor) -> None:
    """Make a trigger of a repository that is not asked, with what it is said to have seen."""
    trigger = make_trigger(
        project,
        {
            "FilterType": "GitFilter",
            "RepositoryUri": "https://git.example.com/acme/config.git",
            "Branches": ["main", "release/*"],
            "Tags": ["v*"],
        },
        {"ActionType": "CreateRelease"},
        name="New configuration",
        actor=actor,
        is_disabled=True,
    )
    seen = {
        "refs/heads/main": "9f2c41d07be1c5a02d1f0d6a1b6f4c8e7a3b2c1d",
        "refs/heads/release/7.2": "41b7e0a55c3d9f2c41d07be1c5a02d1f0d6a1b6f",
        "refs/tags/v7.2.4": "c8e7a3b2c1d41b7e0a55c3d9f2c41d07be1c5a02",
    }
    WatchedRepository.objects.filter(trigger=trigger).update(seen=seen, looked=utc_now())
