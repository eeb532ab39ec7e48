import django.db.models.deletion
from django.db import migrations, models

import deployments.base.participation


class Migration(migrations.Migration):
    dependencies = [
        ("infrastructure", "0004_worker_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="machine",
            name="tenant_tags",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="machine",
            name="tenanted_participation",
            field=models.CharField(
                choices=[
                    (
                        deployments.base.participation.Participation["UNTENANTED"],
                        deployments.base.participation.Participation["UNTENANTED"],
                    ),
                    (
                        deployments.base.participation.Participation["TENANTED_OR_UNTENANTED"],
                        deployments.base.participation.Participation["TENANTED_OR_UNTENANTED"],
                    ),
                    (
                        deployments.base.participation.Participation["TENANTED"],
                        deployments.base.participation.Participation["TENANTED"],
                    ),
                ],
                default=deployments.base.participation.Participation["UNTENANTED"],
                max_length=30,
            ),
        ),
        migrations.CreateModel(
            name="MachineTenant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant_number", models.BigIntegerField()),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tenant_links",
                        to="infrastructure.machine",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("machine", "tenant_number"), name="machine_tenant_unique"
                    )
                ],
            },
        ),
    ]
