import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("infrastructure", "0002_health"),
    ]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="journal_high",
            field=models.BigIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="AgentUpgrade",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("request", models.CharField(max_length=40, unique=True)),
                ("batch", models.CharField(db_index=True, max_length=40)),
                ("version", models.CharField(max_length=50)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("requested", "Requested"),
                            ("downloading", "Downloading"),
                            ("checking", "Checking"),
                            ("trying", "Trying"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("refused", "Refused"),
                            ("silent", "Silent"),
                            ("halted", "Halted"),
                        ],
                        max_length=20,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("requested_by", models.CharField(max_length=100)),
                ("requested", models.DateTimeField()),
                ("changed", models.DateTimeField()),
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="upgrade",
                        to="infrastructure.agent",
                    ),
                ),
            ],
        ),
    ]
