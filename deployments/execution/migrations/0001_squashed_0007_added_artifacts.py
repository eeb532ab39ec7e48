import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids
import deployments.execution.models.mailbox
import deployments.execution.states


class Migration(migrations.Migration):
    replaces = [
        ("execution", "0001_initial"),
        ("execution", "0002_artifact"),
        ("execution", "0003_interruption_choices"),
        ("execution", "0004_queue_and_left_out"),
        ("execution", "0005_log_archive"),
        ("execution", "0006_follows"),
        ("execution", "0007_added_artifacts"),
    ]

    initial = True

    dependencies = [
        ("base", "0001_squashed_0002_event_cursor"),
        ("infrastructure", "0001_squashed_0006_upgrade_canceled"),
        ("packages_feed", "0001_squashed_0002_external_feeds"),
        ("server_tasks", "0001_squashed_0011_current"),
    ]

    operations = [
        migrations.CreateModel(
            name="ActionExecution",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step_id", models.CharField(max_length=36)),
                ("step_name", models.CharField(max_length=200)),
                ("step_number", models.PositiveIntegerField()),
                ("action_id", models.CharField(max_length=36)),
                ("action_name", models.CharField(max_length=200)),
                ("action_type", models.CharField(max_length=100)),
                ("target_id", models.CharField(max_length=100)),
                ("target_name", models.CharField(max_length=200)),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("Pending", "Pending"),
                            ("Running", "Running"),
                            ("Waiting", "Waiting"),
                            ("Succeeded", "Succeeded"),
                            ("Failed", "Failed"),
                            ("Canceled", "Canceled"),
                            ("Skipped", "Skipped"),
                            ("LeftOut", "LeftOut"),
                            ("Lost", "Lost"),
                        ],
                        default=deployments.execution.states.ExecutionState["PENDING"],
                        max_length=20,
                    ),
                ),
                ("queued", models.DateTimeField()),
                ("started", models.DateTimeField(blank=True, null=True)),
                ("finished", models.DateTimeField(blank=True, null=True)),
                ("exit_code", models.IntegerField(blank=True, null=True)),
                ("error_message", models.TextField(blank=True)),
                ("progress_percentage", models.PositiveSmallIntegerField(default=0)),
                ("progress_message", models.CharField(blank=True, max_length=500)),
                ("has_warnings", models.BooleanField(default=False)),
                ("log_length", models.BigIntegerField(default=0)),
                ("line_count", models.BigIntegerField(default=0)),
                ("log_state", models.JSONField(default=dict)),
                ("follows", models.CharField(blank=True, max_length=100)),
                ("lease_owner", models.CharField(blank=True, max_length=100)),
                ("lease_expires", models.DateTimeField(blank=True, null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="infrastructure.agent",
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="executions",
                        to="server_tasks.servertask",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["task", "state"], name="execution_of_task"),
                    models.Index(
                        condition=models.Q(
                            (
                                "state__in",
                                (
                                    deployments.execution.states.ExecutionState["PENDING"],
                                    deployments.execution.states.ExecutionState["RUNNING"],
                                    deployments.execution.states.ExecutionState["WAITING"],
                                ),
                            )
                        ),
                        fields=["state", "agent"],
                        name="execution_live",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("task", "action_id", "target_id", "attempt"),
                        name="execution_unique",
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="AgentMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "message_id",
                    models.UUIDField(
                        default=deployments.execution.models.mailbox.new_message_id, unique=True
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                ("header", models.JSONField(default=dict)),
                ("sealed_body", models.BinaryField(blank=True, null=True)),
                ("spec_sha256", models.CharField(blank=True, max_length=64)),
                ("created", models.DateTimeField()),
                ("offered", models.DateTimeField(blank=True, null=True)),
                ("accepted", models.DateTimeField(blank=True, null=True)),
                ("started", models.DateTimeField(blank=True, null=True)),
                ("finished", models.DateTimeField(blank=True, null=True)),
                ("cancelled", models.DateTimeField(blank=True, null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="infrastructure.agent",
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="execution.actionexecution",
                    ),
                ),
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
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished__isnull", True)),
                        fields=["agent", "id"],
                        name="message_unfinished",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("execution", "kind"), name="one_message_of_a_kind"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Artifact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("name", models.CharField(max_length=255)),
                ("source", models.CharField(blank=True, max_length=200)),
                ("size", models.BigIntegerField()),
                ("created", models.DateTimeField()),
                (
                    "blob",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="artifacts",
                        to="packages_feed.storedblob",
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="artifacts",
                        to="execution.actionexecution",
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="artifacts",
                        to="server_tasks.servertask",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("execution", "number"), name="artifact_unique")
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="ExecutionPlan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("document", models.JSONField()),
                ("sealed_variables", models.BinaryField()),
                ("created", models.DateTimeField()),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="plan",
                        to="server_tasks.servertask",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Interruption",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(default="ManualIntervention", max_length=50)),
                ("title", models.CharField(max_length=500)),
                ("instructions", models.TextField(blank=True)),
                ("is_pending", models.BooleanField(default=True)),
                ("choices", models.JSONField(default=list)),
                ("responsible_team_ids", models.JSONField(default=list)),
                ("responsible_user_id", models.CharField(blank=True, max_length=100)),
                ("created", models.DateTimeField()),
                ("submitted", models.DateTimeField(blank=True, null=True)),
                ("submitted_by", models.CharField(blank=True, max_length=100)),
                ("result", models.CharField(blank=True, max_length=20)),
                ("notes", models.TextField(blank=True)),
                (
                    "execution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="interruption",
                        to="execution.actionexecution",
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="interruptions",
                        to="server_tasks.servertask",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="LogArchive",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("size", models.BigIntegerField()),
                ("created", models.DateTimeField()),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="log_archives",
                        to="packages_feed.storedblob",
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_archive",
                        to="server_tasks.servertask",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="LogChunk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("offset", models.BigIntegerField()),
                ("raw_length", models.IntegerField()),
                ("first_line", models.BigIntegerField(default=1)),
                ("line_count", models.IntegerField(default=0)),
                ("event_number", models.BigIntegerField()),
                ("start_state", models.JSONField(default=dict)),
                ("received", models.DateTimeField()),
                ("body", models.BinaryField()),
                (
                    "execution",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_chunks",
                        to="execution.actionexecution",
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_chunks",
                        to="server_tasks.servertask",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("execution", "offset"), name="log_chunk_offset_unique"
                    ),
                    models.UniqueConstraint(
                        fields=("task", "event_number"), name="log_chunk_event_number_unique"
                    ),
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="OutputVariable",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=1000)),
                ("value", models.TextField(blank=True)),
                ("sealed_value", models.BinaryField(blank=True, null=True)),
                ("is_sensitive", models.BooleanField(default=False)),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outputs",
                        to="execution.actionexecution",
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outputs",
                        to="server_tasks.servertask",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("execution", "name"), name="output_unique")
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
    ]
