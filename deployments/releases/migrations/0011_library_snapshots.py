from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("releases", "0010_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="release",
            name="library_snapshots",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="runbooksnapshot",
            name="library_snapshots",
            field=models.JSONField(default=list),
        ),
    ]
