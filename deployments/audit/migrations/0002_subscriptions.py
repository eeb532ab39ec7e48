import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_event_archive"),
        ("base", "0003_append_only_events"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("is_disabled", models.BooleanField(default=False)),
                ("wanted", models.JSONField(default=dict)),
                ("email_teams", models.JSONField(default=list)),
                ("email_period_s", models.PositiveIntegerField(default=3600)),
                ("email_priority", models.CharField(default="Normal", max_length=10)),
                ("time_zone", models.CharField(default="UTC", max_length=100)),
                ("webhook_uri", models.CharField(blank=True, max_length=2000)),
                ("webhook_teams", models.JSONField(default=list)),
                ("webhook_timeout_s", models.PositiveIntegerField(default=10)),
                ("header_name", models.CharField(blank=True, max_length=200)),
                ("sealed_header", models.BinaryField(blank=True, null=True)),
                ("sealed_key", models.BinaryField(blank=True, null=True)),
                ("begins_after", models.BigIntegerField(default=0)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_ids", models.JSONField(default=list)),
                ("event_count", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("Collecting", "Collecting events"),
                            ("Waiting", "Waiting"),
                            ("Sent", "Sent"),
                            ("Failed", "Given up"),
                        ],
                        max_length=20,
                    ),
                ),
                ("created", models.DateTimeField()),
                ("due", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("ended", models.DateTimeField(blank=True, null=True)),
                ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("answer", models.TextField(blank=True)),
                ("problem", models.TextField(blank=True)),
                (
                    "recipient",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="audit.subscription",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                fields=("space", "name"), name="subscription_name_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["subscription", "-id"], name="delivery_newest"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ("Collecting", "Waiting"))),
                fields=["due"],
                name="delivery_due",
            ),
        ),
    ]
