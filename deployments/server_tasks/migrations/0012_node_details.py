from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("server_tasks", "0001_squashed_0011_current"),
    ]

    operations = [
        migrations.AddField(
            model_name="servernode",
            name="started",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="servernode",
            name="version",
            field=models.CharField(blank=True, max_length=50),
        ),
    ]
