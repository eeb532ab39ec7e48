from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0003_append_only_events"),
    ]

    operations = [
        migrations.AddField(
            model_name="space",
            name="deletion",
            field=models.CharField(
                blank=True,
                choices=[("Running", "Running"), ("Done", "Done")],
                default="",
                max_length=10,
            ),
        ),
    ]
