from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0005_log_archive"),
    ]

    operations = [
        migrations.AddField(
            model_name="actionexecution",
            name="follows",
            field=models.CharField(blank=True, max_length=100),
        ),
    ]
