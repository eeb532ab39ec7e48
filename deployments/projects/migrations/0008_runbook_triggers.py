from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0011_pending_deployments"),
    ]

    operations = [
        migrations.AlterField(
            model_name="automationdecision",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("Deployed", "Deployed"),
                    ("Created", "Release created"),
                    ("Run", "Runbook run"),
                    ("Nothing", "Nothing to do"),
                    ("Waiting", "Waiting"),
                    ("Refused", "Refused"),
                ],
                max_length=20,
            ),
        ),
    ]
