import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("insights", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
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
    ]
