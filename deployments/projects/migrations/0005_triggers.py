import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("infrastructure", "0004_worker_tokens"),
        ("projects", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProjectTrigger",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("is_disabled", models.BooleanField(default=False)),
                ("filter_type", models.CharField(max_length=40)),
                ("filter", models.JSONField()),
                ("action", models.JSONField()),
                ("saved_by", models.CharField(max_length=100)),
                ("saved_by_name", models.CharField(max_length=200)),
                ("created", models.DateTimeField()),
                ("next_run", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("last_run", models.DateTimeField(blank=True, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="triggers",
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
                "ordering": ["name"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="AutomationDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("made", models.DateTimeField(db_index=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("Deployed", "Deployed"),
                            ("Created", "Release created"),
                            ("Nothing", "Nothing to do"),
                            ("Waiting", "Waiting"),
                            ("Refused", "Refused"),
                        ],
                        max_length=20,
                    ),
                ),
                ("cause", models.CharField(max_length=300)),
                ("reason", models.TextField()),
                ("event_id", models.CharField(blank=True, max_length=100)),
                ("release_id", models.CharField(blank=True, max_length=100)),
                ("environment_id", models.CharField(blank=True, max_length=100)),
                ("tenant_id", models.CharField(blank=True, max_length=100)),
                ("results", models.JSONField(default=list)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
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
                    "trigger",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="projects.projecttrigger",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="WaitingTarget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cause", models.CharField(max_length=300)),
                ("since", models.DateTimeField()),
                ("has_been_told", models.BooleanField(default=False)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infrastructure.environment",
                    ),
                ),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infrastructure.machine",
                    ),
                ),
                (
                    "trigger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waiting_targets",
                        to="projects.projecttrigger",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddIndex(
            model_name="projecttrigger",
            index=models.Index(fields=["space", "filter_type"], name="trigger_kind"),
        ),
        migrations.AddConstraint(
            model_name="projecttrigger",
            constraint=models.UniqueConstraint(
                fields=("project", "name"), name="trigger_name_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="automationdecision",
            index=models.Index(fields=["project", "-id"], name="decision_of_project"),
        ),
        migrations.AddIndex(
            model_name="automationdecision",
            index=models.Index(fields=["trigger", "-id"], name="decision_of_trigger"),
        ),
        migrations.AddIndex(
            model_name="automationdecision",
            index=models.Index(fields=["release_id", "-id"], name="decision_of_release"),
        ),
        migrations.AddConstraint(
            model_name="waitingtarget",
            constraint=models.UniqueConstraint(
                fields=("trigger", "machine", "environment"), name="waiting_target_unique"
            ),
        ),
    ]
