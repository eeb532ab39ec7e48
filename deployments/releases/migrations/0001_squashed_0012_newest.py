import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids
import packages_feed.models.fields


class Migration(migrations.Migration):
    replaces = [
        ("releases", "0001_initial"),
        ("releases", "0002_defects_and_builds"),
        ("releases", "0005_freezes"),
        ("releases", "0006_runbook_runs"),
        ("releases", "0010_indexes"),
        ("releases", "0011_library_snapshots"),
        ("releases", "0012_newest"),
    ]

    initial = True

    dependencies = [
        ("base", "0001_squashed_0002_event_cursor"),
        ("infrastructure", "0001_squashed_0006_upgrade_canceled"),
        ("projects", "0001_squashed_0012_watched_packages"),
        ("server_tasks", "0001_squashed_0011_current"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeletedRelease",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.CharField(max_length=349)),
                ("channel_name", models.CharField(max_length=200)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deleted_releases",
                        to="projects.project",
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
                "abstract": False,
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="DeploymentFreeze",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=210)),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                ("recurrence", models.JSONField(blank=True, null=True)),
                ("created", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_freezes",
                        to="projects.project",
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
                "ordering": ["start", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("space", "name"), name="freeze_name_unique"),
                    models.UniqueConstraint(fields=("space", "slug"), name="freeze_slug_unique"),
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="FreezeScope",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant_number", models.BigIntegerField(blank=True, null=True)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="freeze_scopes",
                        to="infrastructure.environment",
                    ),
                ),
                (
                    "freeze",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scopes",
                        to="releases.deploymentfreeze",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="freeze_scopes",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["project", "environment"], name="freeze_scope_place")
                ],
            },
        ),
        migrations.CreateModel(
            name="ProcessSnapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("owner_id", models.CharField(max_length=150)),
                ("version", models.PositiveIntegerField()),
                ("code", models.CharField(max_length=5)),
                ("steps", models.JSONField()),
                ("created", models.DateTimeField()),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner_id", "version", "code"), name="process_snapshot_unique"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.CharField(max_length=349)),
                ("version_lower", models.CharField(max_length=349)),
                ("version_key", packages_feed.models.fields.BytewiseCharField(max_length=700)),
                ("notes", models.TextField(blank=True)),
                ("assembled", models.DateTimeField()),
                ("assembled_by", models.CharField(max_length=100)),
                ("library_snapshots", models.JSONField(default=list)),
                ("ignore_channel_rules", models.BooleanField(default=False)),
                ("custom_fields", models.JSONField(default=dict)),
                ("build_information", models.JSONField(default=list)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="releases",
                        to="projects.channel",
                    ),
                ),
                (
                    "process_snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="releases",
                        to="releases.processsnapshot",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="releases",
                        to="projects.project",
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
                "ordering": ["-id"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Deployment",
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
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="projects.channel",
                    ),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="infrastructure.environment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="projects.project",
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
                        related_name="deployment",
                        to="server_tasks.servertask",
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="releases.release",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["space", "project", "environment", "-id"],
                        name="deployment_newest_there",
                    ),
                    models.Index(fields=["release", "environment"], name="deployment_of_release"),
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Defect",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("description", models.TextField()),
                ("reported", models.DateTimeField()),
                ("reported_by", models.CharField(max_length=100)),
                ("resolved", models.DateTimeField(blank=True, null=True)),
                ("resolved_by", models.CharField(blank=True, max_length=100)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="defects",
                        to="releases.release",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved__isnull", True)),
                        fields=("release",),
                        name="one_unresolved_defect",
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="ReleaseSelectedPackage",
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
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="selected_packages",
                        to="releases.release",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        fields=("release", "action_name", "reference_name"),
                        name="selected_package_unique",
                    )
                ],
            },
        ),
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
                ("library_snapshots", models.JSONField(default=list)),
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
                "indexes": [
                    models.Index(
                        fields=["runbook", "environment", "-id"], name="runbook_run_newest"
                    )
                ],
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("snapshot", "action_name", "reference_name"),
                        name="runbook_package_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VariableSetSnapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("owner_id", models.CharField(max_length=150)),
                ("version", models.PositiveIntegerField()),
                ("code", models.CharField(max_length=5)),
                ("variables", models.JSONField()),
                ("created", models.DateTimeField()),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner_id", "version", "code"), name="variable_snapshot_unique"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.AddField(
            model_name="runbooksnapshot",
            name="variable_snapshot",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runbook_snapshots",
                to="releases.variablesetsnapshot",
            ),
        ),
        migrations.AddField(
            model_name="release",
            name="variable_snapshot",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="releases",
                to="releases.variablesetsnapshot",
            ),
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
            model_name="release",
            index=models.Index(fields=["project", "-version_key"], name="release_newest"),
        ),
        migrations.AddIndex(
            model_name="release",
            index=models.Index(fields=["project", "-id"], name="release_made_last"),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.UniqueConstraint(
                fields=("project", "version_lower"), name="release_version_unique"
            ),
        ),
    ]
