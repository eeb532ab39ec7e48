from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("releases", "0006_runbook_runs")]

    operations = [
        migrations.RemoveIndex(
            model_name="deployment",
            name="deployment_newest",
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                fields=["space", "project", "environment", "-id"], name="deployment_newest_there"
            ),
        ),
    ]
