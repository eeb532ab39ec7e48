import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("infrastructure", "0005_tenants"),
        ("insights", "0002_dashboard_configuration"),
        ("projects", "0007_runbooks"),
    ]

    operations = [
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
    ]
