import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    replaces = [
        ("insights", "0001_initial"),
        ("insights", "0002_dashboard_configuration"),
        ("insights", "0003_outcomes"),
    ]

    initial = True

    dependencies = [
        ("access", "__first__"),
        ("base", "0001_squashed_0002_event_cursor"),
        ("infrastructure", "0001_squashed_0006_upgrade_canceled"),
        ("projects", "0001_squashed_0012_watched_packages"),
    ]

    operations = [
        migrations.CreateModel(
            name="DashboardConfiguration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("project_groups", models.JSONField(default=list)),
                ("projects", models.JSONField(default=list)),
                ("environments", models.JSONField(default=list)),
                ("tenants", models.JSONField(default=list)),
                ("tenant_tags", models.JSONField(default=list)),
                ("project_limit", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("space", "user"), name="dashboard_of_user")
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="DeploymentOutcome",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel_number", models.BigIntegerField()),
                ("tenant_number", models.BigIntegerField(blank=True, null=True)),
                ("release_number", models.BigIntegerField()),
                ("deployment_number", models.BigIntegerField(unique=True)),
                ("is_success", models.BooleanField()),
                ("completed", models.DateTimeField()),
                ("lead", models.FloatField(null=True)),
                ("recovery", models.FloatField(null=True)),
                ("duration", models.FloatField(null=True)),
                ("queueing", models.FloatField(null=True)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcomes",
                        to="infrastructure.environment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcomes",
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
                "ordering": ["completed", "id"],
                "indexes": [
                    models.Index(fields=["space", "completed"], name="outcome_of_space"),
                    models.Index(
                        fields=["environment", "channel_number", "tenant_number", "completed"],
                        name="outcome_of_place",
                    ),
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Favourite",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favourites",
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
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favourites",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "project"), name="favourite_unique")
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
    ]
