import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("packages_feed", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FeedListing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("id_lower", models.CharField(max_length=300)),
                ("versions", models.JSONField(default=list)),
                ("told", models.DateTimeField(blank=True, null=True)),
                ("asked", models.DateTimeField()),
                ("problem", models.TextField(blank=True)),
                (
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="listings",
                        to="packages_feed.feed",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("feed", "id_lower"), name="feed_listing_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="FetchedPackage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("package_id", models.CharField(max_length=300)),
                ("id_lower", models.CharField(max_length=300)),
                ("version", models.CharField(max_length=350)),
                ("version_lower", models.CharField(max_length=350)),
                ("extension", models.CharField(blank=True, max_length=20)),
                ("size", models.BigIntegerField(default=0)),
                ("used", models.DateTimeField(db_index=True)),
                ("due", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("problem", models.TextField(blank=True)),
                ("given_up", models.DateTimeField(blank=True, null=True)),
                (
                    "blob",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fetched",
                        to="packages_feed.storedblob",
                    ),
                ),
                (
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fetched",
                        to="packages_feed.feed",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("feed", "id_lower", "version_lower"), name="fetched_package_unique"
                    )
                ],
            },
        ),
    ]
