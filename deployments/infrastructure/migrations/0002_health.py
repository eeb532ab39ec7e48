from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("infrastructure", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="machine",
            name="away_s",
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name="machine",
            name="failed_checks",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="machine",
            name="last_check",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="machine",
            name="last_check_task",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="machine",
            name="verdict",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="machine",
            name="verdict_summary",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="machinepolicy",
            name="next_check",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="worker",
            name="away_s",
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name="worker",
            name="failed_checks",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="worker",
            name="last_check",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="worker",
            name="last_check_task",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="worker",
            name="verdict",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="worker",
            name="verdict_summary",
            field=models.CharField(blank=True, max_length=500),
        ),
    ]
