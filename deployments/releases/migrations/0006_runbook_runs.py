import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("infrastructure", "0005_tenants"),
        ("projects", "0007_runbooks"),
        ("releases", "0005_freezes"),
        ("server_tasks", "0002_queue_and_waiting"),
    ]

    operations = [
        migrations.CreateModel(
            name="RunbookSnapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("notes", models.TextField(blank=True)),
                ("assembled", models.DateTimeField()),
                ("assembled_by", models.CharField(max_length=100)),
                ("is_published", models.BooleanField(default=False)),
                (
                    "process_snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runbook_snapshots",
                        to="releases.processsnapshot",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="projects.project",
                    ),
                ),
                (
                    "runbook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="snapshots",
                        to="projects.runbook",
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
                    "variable_snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runbook_snapshots",
                        to="releases.variablesetsnapshot",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="RunbookRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant_number", models.BigIntegerField(blank=True, null=True)),
                ("comments", models.TextField(blank=True)),
                ("options", models.JSONField(default=dict)),
                ("created", models.DateTimeField()),
                ("deployed_by", models.CharField(max_length=100)),
                ("deployed_by_name", models.CharField(max_length=200)),
                ("deployed_machines", models.JSONField(default=list)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runbook_runs",
                        to="infrastructure.environment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runbook_runs",
                        to="projects.project",
                    ),
                ),
                (
                    "runbook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="projects.runbook",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runbook_run",
                        to="server_tasks.servertask",
                    ),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="releases.runbooksnapshot",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="RunbookSnapshotPackage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("action_name", models.CharField(max_length=200)),
                ("step_name", models.CharField(blank=True, max_length=200)),
                ("reference_name", models.CharField(blank=True, max_length=200)),
                ("package_id", models.CharField(max_length=200)),
                ("feed_id", models.CharField(max_length=100)),
                ("version", models.CharField(max_length=350)),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="selected_packages",
                        to="releases.runbooksnapshot",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="runbooksnapshot",
            constraint=models.UniqueConstraint(
                fields=("runbook", "name"), name="runbook_snapshot_name_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="runbooksnapshot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_published", True)),
                fields=("runbook",),
                name="runbook_snapshot_published_once",
            ),
        ),
        migrations.AddIndex(
            model_name="runbookrun",
            index=models.Index(fields=["runbook", "environment", "-id"], name="runbook_run_newest"),
        ),
        migrations.AddConstraint(
            model_name="runbooksnapshotpackage",
            constraint=models.UniqueConstraint(
                fields=("snapshot", "action_name", "reference_name"), name="runbook_package_unique"
            ),
        ),
    ]
