import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0008_runbook_triggers"),
    ]

    operations = [
        migrations.CreateModel(
            name="WatchedPackage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("feed_number", models.BigIntegerField()),
                ("id_lower", models.CharField(max_length=300)),
                ("version", models.CharField(blank=True, max_length=350)),
                ("problem", models.TextField(blank=True)),
                (
                    "trigger",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="watched_packages",
                        to="projects.projecttrigger",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("trigger", "feed_number", "id_lower"), name="watched_package_unique"
                    )
                ],
            },
        ),
    ]
