from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("infrastructure", "0005_tenants"),
    ]

    operations = [
        migrations.AlterField(
            model_name="agentupgrade",
            name="stage",
            field=models.CharField(
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
                    ("canceled", "Canceled"),
                ],
                max_length=20,
            ),
        ),
    ]
