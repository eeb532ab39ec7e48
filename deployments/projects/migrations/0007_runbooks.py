import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("projects", "0006_waiting_for_tenants"),
    ]

    operations = [
        migrations.AlterField(
            model_name="deploymentprocess",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="processes",
                to="projects.project",
            ),
        ),
        migrations.CreateModel(
            name="Runbook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=210)),
                ("description", models.TextField(blank=True)),
                ("settings", models.JSONField(default=dict)),
                ("created", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runbooks",
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
        migrations.AddField(
            model_name="deploymentprocess",
            name="runbook",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="process",
                to="projects.runbook",
            ),
        ),
        migrations.AddConstraint(
            model_name="deploymentprocess",
            constraint=models.UniqueConstraint(
                condition=models.Q(("runbook", None)),
                fields=("project",),
                name="deployment_process_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="runbook",
            constraint=models.UniqueConstraint(
                fields=("project", "name"), name="runbook_name_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="runbook",
            constraint=models.UniqueConstraint(
                fields=("project", "slug"), name="runbook_slug_unique"
            ),
        ),
    ]
