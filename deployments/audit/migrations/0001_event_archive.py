from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="EventArchive",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(unique=True)),
                ("sha256", models.CharField(max_length=64)),
                ("previous", models.CharField(blank=True, max_length=64)),
                ("size", models.BigIntegerField()),
                ("count", models.PositiveIntegerField()),
                ("sealed_link", models.BinaryField()),
                ("created", models.DateTimeField()),
                ("emptied", models.DateTimeField(blank=True, null=True)),
                ("deleted", models.DateTimeField(blank=True, null=True)),
                ("deleted_by", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "ordering": ["-day"],
                "indexes": [models.Index(fields=["sha256"], name="event_archive_file")],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
    ]
