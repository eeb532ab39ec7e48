from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("server_tasks", "0002_queue_and_waiting"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="servertask",
            index=models.Index(
                fields=["space", "state", "has_pending_interruptions"], name="task_totals"
            ),
        ),
    ]
