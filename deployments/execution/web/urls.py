"""Addresses below a space."""

from django.urls import path

from deployments.execution.web import (
    artifacts,
    log_settings,
    outputs,
    package_retention,
    retention,
    task_acts,
    task_bulk,
    task_list,
    task_live,
    task_log,
    task_page,
)

urlpatterns = [
    path("administration/logs", log_settings.log_settings_page, name="log_settings"),
    path("administration/retention", retention.retention_page, name="retention"),
    path("administration/retention/run", retention.retention_run, name="retention_run"),
    path(
        "administration/retention/packages",
        package_retention.package_retention,
        name="package_retention",
    ),
    path("tasks", task_list.task_list, name="tasks"),
    path("tasks/live", task_live.task_list_live, name="task_list_live"),
    path("tasks/cancel", task_bulk.cancel_listed, name="tasks_cancel"),
    path("tasks/<str:task>", task_page.task_page, name="task"),
    path("tasks/<str:task>/stream", task_log.stream_view, name="task_stream"),
    path("tasks/<str:task>/lines", task_log.lines_view, name="task_lines"),
    path("tasks/<str:task>/log.txt", task_log.raw_view, name="task_raw_log"),
    path("tasks/<str:task>/outputs", outputs.outputs_view, name="task_outputs"),
    path("tasks/<str:task>/outputs/<str:output>", outputs.output_view, name="task_output"),
    path("tasks/<str:task>/artifacts/add", artifacts.add_view, name="task_artifact_add"),
    path("tasks/<str:task>/artifacts.zip", artifacts.zip_view, name="task_artifacts_zip"),
    path(
        "tasks/<str:task>/artifacts/<str:artifact>/delete",
        artifacts.delete_view,
        name="task_artifact_delete",
    ),
    path("tasks/<str:task>/cancel", task_acts.cancel_view, name="task_cancel"),
    path("tasks/<str:task>/abandon", task_acts.abandon_view, name="task_abandon"),
    path("tasks/<str:task>/prioritize", task_acts.prioritize_view, name="task_prioritize"),
    path("tasks/<str:task>/state", task_acts.correct_view, name="task_correct"),
    path("tasks/<str:task>/rerun", task_acts.rerun_view, name="task_rerun"),
    path(
        "tasks/<str:task>/interruptions/<str:interruption>",
        task_acts.interruption_view,
        name="task_interruption",
    ),
]
