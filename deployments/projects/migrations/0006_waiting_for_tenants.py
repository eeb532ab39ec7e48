from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0005_triggers"),
    ]

    operations = [
        migrations.AddField(
            model_name="waitingtarget",
            name="settled_for",
            field=models.JSONField(default=list),
        ),
    ]
