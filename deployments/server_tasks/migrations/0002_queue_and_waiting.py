from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("server_tasks", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="servertask",
            name="cancel_requested",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="servertask",
            name="is_complete",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="servertask",
            name="is_moved_to_top",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="servertask",
            name="queue_place",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
