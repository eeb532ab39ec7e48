from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventCursor",
            fields=[
                ("consumer", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("transaction_id", models.BigIntegerField(default=0)),
                ("event_id", models.BigIntegerField(default=0)),
                ("claimed_by", models.CharField(blank=True, max_length=36)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["transaction_id", "id"], name="event_stream"),
        ),
    ]
