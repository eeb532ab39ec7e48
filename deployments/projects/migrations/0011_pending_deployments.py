import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("infrastructure", "0005_tenants"),
        ("projects", "0007_runbooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="PendingDeployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("release_number", models.BigIntegerField(blank=True, null=True)),
                ("tenant_number", models.BigIntegerField(blank=True, null=True)),
                ("phase", models.CharField(blank=True, max_length=200)),
                ("cause", models.CharField(max_length=300)),
                ("event_id", models.CharField(blank=True, max_length=100)),
                ("actor_id", models.CharField(blank=True, max_length=100)),
                ("actor_name", models.CharField(blank=True, max_length=200)),
                ("due", models.DateTimeField()),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infrastructure.environment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pending_deployments",
                        to="projects.project",
                    ),
                ),
                (
                    "trigger",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pending_deployments",
                        to="projects.projecttrigger",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
    ]
