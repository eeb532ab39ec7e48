"""Runbooks of the sample: what operators of a project run without a release."""

from collections.abc import Mapping

from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.projects.services.runbooks import RunbookInput, create_runbook
from tests.factories.domain import script_step
from tests.factories.people import SYSTEM
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.factories.tenants import make_tag_set


def make_runbooks(project: Project, places: Mapping[str, Environment]) -> None:
    """Make one that has run, whose published snapshot is behind, and one without steps."""
    make_tag_set("Schedule", "Nightly", "Weekly", scopes=["Runbook"])
    runbook = make_runbook(
        project,
        "Restart web servers",
        script_step("Drain connections", roles="web"),
        script_step("Restart", roles="web"),
        script_step("Tell the help desk"),
        MultiTenancyMode="TenantedOrUntenanted",
        RunbookTags=["Schedule/Weekly"],
    )
    make_snapshot(runbook, name="Before the summer", notes="Waits a minute between servers.")
    for state in ("Failed", "Success"):
        make_run(runbook, places["Production"], state=state)
    make_snapshot(runbook, name="Two at a time", notes="Half the time: two servers at once.")
    make_run(runbook, places["Test"], state="Success", comments="After the new certificate")
    tags = {"RunbookTags": ["Schedule/Nightly"]}
    made = RunbookInput("Clear caches", "When prices look old.", settings=tags)
    create_runbook(actor=SYSTEM, project=project, runbook=made)
