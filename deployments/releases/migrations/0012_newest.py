from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("projects", "0008_runbook_triggers"),
        ("releases", "0011_library_snapshots"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="release",
            index=models.Index(fields=["project", "-id"], name="release_made_last"),
        ),
    ]
