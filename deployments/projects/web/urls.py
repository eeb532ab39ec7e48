"""Pages of projects, relative to the space."""

from django.urls import path

from deployments.projects.web import (
    channels,
    lifecycles,
    listing,
    process,
    runbook_process,
    settings,
    variable_findings,
    variable_templates,
    variables,
)
from deployments.projects.web.bulk import pages as bulk
from deployments.projects.web.library import accounts, certificates, inclusion, modules, sets
from deployments.projects.web.steps import template_check
from deployments.projects.web.triggers import form as trigger_form
from deployments.projects.web.triggers import pages as triggers
from deployments.projects.web.variable_owner import LIBRARY

_CERTIFICATE = f"{certificates.CERTIFICATES}/<str:certificate>"

urlpatterns = [
    path("projects", listing.project_list),
    path("projects/new", listing.project_new),
    path("projects/groups", listing.group_list),
    path("projects/groups/<str:group>", listing.group_edit),
    path("projects/groups/<str:group>/delete", listing.group_delete),
    path("projects/lifecycles", lifecycles.lifecycle_list),
    path("projects/lifecycles/new", lifecycles.lifecycle_new),
    path("projects/lifecycles/<str:lifecycle>", lifecycles.lifecycle_edit),
    path("projects/lifecycles/<str:lifecycle>/delete", lifecycles.lifecycle_delete),
    path(modules.MODULES, modules.module_list),
    path(f"{modules.MODULES}/<str:module>", modules.module_page),
    path(f"{modules.MODULES}/<str:module>/delete", modules.module_delete),
    path(accounts.ACCOUNTS, accounts.account_list),
    path(f"{accounts.ACCOUNTS}/new", accounts.account_new),
    path(f"{accounts.ACCOUNTS}/<str:account>", accounts.account_page),
    path(f"{accounts.ACCOUNTS}/<str:account>/delete", accounts.account_delete),
    path(certificates.CERTIFICATES, certificates.certificate_list),
    path(f"{certificates.CERTIFICATES}/new", certificates.certificate_new),
    path(_CERTIFICATE, certificates.certificate_page),
    path(f"{_CERTIFICATE}/replace", certificates.certificate_replace),
    path(f"{_CERTIFICATE}/archive", certificates.certificate_archive),
    path(f"{_CERTIFICATE}/export", certificates.certificate_export),
    path(f"{_CERTIFICATE}/delete", certificates.certificate_delete),
    path(LIBRARY, sets.set_list),
    path(f"{LIBRARY}/<str:library_set>", sets.set_values),
    path(f"{LIBRARY}/<str:library_set>/save", sets.set_value_save),
    path(f"{LIBRARY}/<str:library_set>/names", template_check.set_names),
    path(f"{LIBRARY}/<str:library_set>/check", template_check.set_check),
    path(f"{LIBRARY}/<str:library_set>/text", bulk.set_text),
    path(f"{LIBRARY}/<str:library_set>/export", bulk.set_export),
    path(f"{LIBRARY}/<str:library_set>/settings", sets.set_settings),
    path(f"{LIBRARY}/<str:library_set>/delete", sets.set_delete),
    path(f"{LIBRARY}/<str:library_set>/<str:guid>/delete", sets.set_value_delete),
    path("projects/<str:project>/process", process.process_page),
    path("projects/<str:project>/process/add", process.step_catalogue_page),
    path("projects/<str:project>/process/save", process.step_save),
    path("projects/<str:project>/process/change", process.step_change),
    path("projects/<str:project>/process/check", template_check.process_check),
    path("projects/<str:project>/process/names", template_check.process_names),
    path("projects/<str:project>/runbooks/<str:runbook>/process", runbook_process.runbook_process),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/process/add",
        runbook_process.runbook_catalogue,
    ),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/process/save",
        runbook_process.runbook_step_save,
    ),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/process/change",
        runbook_process.runbook_step_change,
    ),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/process/check",
        template_check.runbook_check,
    ),
    path(
        "projects/<str:project>/runbooks/<str:runbook>/process/names",
        template_check.runbook_names,
    ),
    path("projects/<str:project>/variables", variables.variable_list),
    path("projects/<str:project>/variables/templates", variable_templates.template_list),
    path("projects/<str:project>/variables/templates/save", variable_templates.template_save),
    path("projects/<str:project>/variables/library", inclusion.include_sets),
    path("projects/<str:project>/variables/save", variables.variable_save),
    path("projects/<str:project>/variables/findings", variable_findings.variable_findings),
    path("projects/<str:project>/variables/text", bulk.project_text),
    path("projects/<str:project>/variables/export", bulk.project_export),
    path("projects/<str:project>/variables/names", template_check.value_names),
    path("projects/<str:project>/variables/check", template_check.value_check),
    path("projects/<str:project>/variables/<str:guid>/delete", variables.variable_delete),
    path("projects/<str:project>/channels", channels.channel_list),
    path("projects/<str:project>/channels/new", channels.channel_new),
    path("projects/<str:project>/channels/<str:channel>", channels.channel_edit),
    path("projects/<str:project>/channels/<str:channel>/delete", channels.channel_delete),
    path("projects/<str:project>/triggers", triggers.trigger_list),
    path("projects/<str:project>/triggers/new", trigger_form.trigger_new),
    path("projects/<str:project>/triggers/decisions", triggers.decision_list),
    path("projects/<str:project>/triggers/<str:trigger>", triggers.trigger_page),
    path("projects/<str:project>/triggers/<str:trigger>/edit", trigger_form.trigger_edit),
    path("projects/<str:project>/triggers/<str:trigger>/pause", triggers.trigger_pause),
    path("projects/<str:project>/triggers/<str:trigger>/look", triggers.trigger_look),
    path("projects/<str:project>/triggers/<str:trigger>/delete", triggers.trigger_delete),
    path("projects/<str:project>/settings", settings.project_settings),
    path("projects/<str:project>/settings/delete", settings.project_delete),
]
