import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids
import deployments.server_tasks.states


class Migration(migrations.Migration):
    replaces = [
        ("server_tasks", "0001_initial"),
        ("server_tasks", "0002_queue_and_waiting"),
        ("server_tasks", "0010_indexes"),
        ("server_tasks", "0011_current"),
    ]

    initial = True

    dependencies = [
        ("base", "0001_squashed_0002_event_cursor"),
    ]

    operations = [
        migrations.CreateModel(
            name="ServerNode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200, unique=True)),
                ("last_seen", models.DateTimeField()),
                ("is_draining", models.BooleanField(default=False)),
                ("task_cap", models.PositiveIntegerField(default=5)),
            ],
            options={
                "ordering": ["name"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="ServerTask",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=50)),
                ("description", models.CharField(max_length=500)),
                ("arguments", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("Queued", "Queued"),
                            ("Executing", "Executing"),
                            ("Paused", "Paused"),
                            ("Cancelling", "Cancelling"),
                            ("Success", "Success"),
                            ("Failed", "Failed"),
                            ("Canceled", "Canceled"),
                            ("TimedOut", "TimedOut"),
                        ],
                        default=deployments.server_tasks.states.TaskState["QUEUED"],
                        max_length=20,
                    ),
                ),
                ("concurrency_tag", models.CharField(blank=True, max_length=300)),
                ("priority", models.SmallIntegerField(default=0)),
                ("is_moved_to_top", models.BooleanField(default=False)),
                ("queue_place", models.BigIntegerField(blank=True, null=True)),
                ("is_complete", models.BooleanField(default=False)),
                ("is_current", models.BooleanField(default=False)),
                ("project_number", models.BigIntegerField(blank=True, null=True)),
                ("environment_number", models.BigIntegerField(blank=True, null=True)),
                ("tenant_number", models.BigIntegerField(blank=True, null=True)),
                ("queued", models.DateTimeField()),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("expires", models.DateTimeField(blank=True, null=True)),
                ("started", models.DateTimeField(blank=True, null=True)),
                ("completed", models.DateTimeField(blank=True, null=True)),
                ("last_updated", models.DateTimeField()),
                ("requested_by", models.CharField(blank=True, max_length=100)),
                ("error_message", models.TextField(blank=True)),
                ("waiting_reason", models.CharField(blank=True, max_length=500)),
                ("has_warnings_or_errors", models.BooleanField(default=False)),
                ("has_pending_interruptions", models.BooleanField(default=False)),
                ("cancel_requests", models.PositiveSmallIntegerField(default=0)),
                ("cancel_requested", models.DateTimeField(blank=True, null=True)),
                ("node_name", models.CharField(blank=True, max_length=200)),
                ("lease_owner", models.CharField(blank=True, max_length=100)),
                ("lease_expires", models.DateTimeField(blank=True, null=True)),
                ("wake_count", models.BigIntegerField(default=0)),
                ("last_event_number", models.BigIntegerField(default=0)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["state", "-priority", "id"], name="task_queue"),
                    models.Index(fields=["space", "-id"], name="task_newest"),
                    models.Index(
                        fields=["space", "state", "has_pending_interruptions"], name="task_totals"
                    ),
                    models.Index(fields=["space", "project_number", "-id"], name="task_of_project"),
                    models.Index(fields=["concurrency_tag", "state"], name="task_concurrency"),
                    models.Index(
                        condition=models.Q(("is_current", True)),
                        fields=[
                            "space",
                            "project_number",
                            "environment_number",
                            "tenant_number",
                            "id",
                        ],
                        name="task_current",
                    ),
                    models.Index(
                        condition=models.Q(("is_current", True)),
                        fields=["space", "state"],
                        name="task_current_state",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    deployments.server_tasks.states.TaskState["EXECUTING"],
                                    deployments.server_tasks.states.TaskState["CANCELLING"],
                                ],
                            ),
                            models.Q(("concurrency_tag", ""), _negated=True),
                        ),
                        fields=("concurrency_tag",),
                        name="one_running_task_of_a_tag",
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
    ]
