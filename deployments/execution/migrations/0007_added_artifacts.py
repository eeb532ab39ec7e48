import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0006_follows"),
        ("packages_feed", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="artifact",
            name="source",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name="artifact",
            name="blob",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="artifacts",
                to="packages_feed.storedblob",
            ),
        ),
        migrations.AlterField(
            model_name="artifact",
            name="execution",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="artifacts",
                to="execution.actionexecution",
            ),
        ),
    ]
