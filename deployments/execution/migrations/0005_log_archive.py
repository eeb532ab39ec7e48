import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0001_initial"),
        ("execution", "0004_queue_and_left_out"),
        ("packages_feed", "0001_initial"),
        ("server_tasks", "0002_queue_and_waiting"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogArchive",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("size", models.BigIntegerField()),
                ("created", models.DateTimeField()),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="log_archives",
                        to="packages_feed.storedblob",
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
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_archive",
                        to="server_tasks.servertask",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
    ]
