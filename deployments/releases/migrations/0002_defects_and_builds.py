import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0001_initial"),
        ("releases", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="release",
            name="build_information",
            field=models.JSONField(default=list),
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
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="defects",
                        to="releases.release",
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
    ]
