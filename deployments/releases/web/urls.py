"""Addresses below a space. Those of the project's own pages come first (deployments.projects)."""

from django.urls import path

from deployments.releases.web import (
    acts,
    blocking,
    compare,
    create,
    deploy,
    overview,
    release_list,
    release_page,
    simulator,
    snapshot,
    timeline,
)
from deployments.releases.web.freezes import pages as freezes
from deployments.releases.web.runbooks import pages as runbooks
from deployments.releases.web.runbooks import snapshots
from deployments.releases.web.runbooks.run import run_redirect, runbook_run
from deployments.releases.web.runbooks.settings import runbook_settings
from deployments.releases.web.several.pages import deploy_several
from deployments.releases.web.variables.pages import template_tester, variable_preview

urlpatterns = [
    path("projects/<str:project>", overview.project_overview, name="project_overview"),
    path("projects/lifecycles/<str:lifecycle>/try", simulator.lifecycle_simulator),
    path("projects/<str:project>/variables/preview", variable_preview),
    path("projects/<str:project>/variables/tester", template_tester),
    path("projects/<str:project>/try-version", simulator.channel_simulator),
    path(
        "projects/<str:project>/environments/<str:environment>",
        timeline.environment_timeline,
        name="environment_timeline",
    ),
    path("projects/<str:project>/releases", release_list.release_list, name="releases"),
    path("projects/<str:project>/releases/create", create.release_create, name="release_create"),
    path("projects/<str:project>/releases/compare", compare.release_compare),
    path("projects/<str:project>/releases/notes", create.notes_preview, name="notes_preview"),
    path("projects/<str:project>/releases/<str:version>", release_page.release_page),
    path("projects/<str:project>/releases/<str:version>/edit", acts.release_edit),
    path("projects/<str:project>/releases/<str:version>/delete", acts.release_delete),
    path("projects/<str:project>/releases/<str:version>/variables", acts.update_variables),
    path("projects/<str:project>/releases/<str:version>/block", blocking.release_blocking),
    path("projects/<str:project>/releases/<str:version>/snapshot", snapshot.release_snapshot),
    path("projects/<str:project>/releases/<str:version>/deploy", deploy.deploy_page),
    path("projects/<str:project>/releases/<str:version>/deploy/several", deploy_several),
    path("projects/<str:project>/runbooks", runbooks.runbook_list),
    path("projects/<str:project>/runbooks/<str:runbook>", runbooks.runbook_page),
    path("projects/<str:project>/runbooks/<str:runbook>/snapshot", runbooks.runbook_snapshot),
    path("projects/<str:project>/runbooks/<str:runbook>/publish", runbooks.runbook_publish),
    path("projects/<str:project>/runbooks/<str:runbook>/delete", runbooks.runbook_delete),
    path("projects/<str:project>/runbooks/<str:runbook>/run", runbook_run),
    path("administration/freezes", freezes.freeze_list),
    path("administration/freezes/new", freezes.freeze_new),
    path("administration/freezes/<str:freeze>", freezes.freeze_edit),
    path("administration/freezes/<str:freeze>/delete", freezes.freeze_delete),
    path("projects/<str:project>/runbooks/<str:runbook>/settings", runbook_settings),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/snapshots/<str:snapshot>",
        snapshots.snapshot_page,
    ),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/snapshots/<str:snapshot>/variables",
        snapshots.snapshot_variables,
    ),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/snapshots/<str:snapshot>/delete",
        snapshots.snapshot_delete,
    ),
    path("runbook-runs/<str:run>", run_redirect),
    path("deployments/<str:deployment>", release_page.deployment_redirect, name="deployment"),
]
