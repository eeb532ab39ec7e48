import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0001_initial"),
        ("infrastructure", "0004_worker_tokens"),
        ("projects", "0001_initial"),
        ("releases", "0002_defects_and_builds"),
    ]

    operations = [
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
            },
        ),
        migrations.AddConstraint(
            model_name="deploymentfreeze",
            constraint=models.UniqueConstraint(fields=("space", "name"), name="freeze_name_unique"),
        ),
        migrations.AddConstraint(
            model_name="deploymentfreeze",
            constraint=models.UniqueConstraint(fields=("space", "slug"), name="freeze_slug_unique"),
        ),
        migrations.AddIndex(
            model_name="freezescope",
            index=models.Index(fields=["project", "environment"], name="freeze_scope_place"),
        ),
    ]
