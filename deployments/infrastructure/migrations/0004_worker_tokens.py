from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("infrastructure", "0003_agent_upgrade"),
    ]

    operations = [
        migrations.AddField(
            model_name="registrationtoken",
            name="is_worker",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="registrationtoken",
            name="worker_pools",
            field=models.JSONField(default=list),
        ),
    ]
