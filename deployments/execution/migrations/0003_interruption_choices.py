from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0002_artifact"),
    ]

    operations = [
        migrations.AddField(
            model_name="interruption",
            name="choices",
            field=models.JSONField(default=list),
        ),
    ]
