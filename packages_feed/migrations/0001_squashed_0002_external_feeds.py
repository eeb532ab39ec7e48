import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids
import packages_feed.models.fields


class Migration(migrations.Migration):
    replaces = [("packages_feed", "0001_initial"), ("packages_feed", "0002_external_feeds")]

    initial = True

    dependencies = [
        ("base", "0001_squashed_0002_event_cursor"),
    ]

    operations = [
        migrations.CreateModel(
            name="StoredBlob",
            fields=[
                ("sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("size", models.BigIntegerField()),
                ("stored", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Feed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=210)),
                ("feed_type", models.CharField(max_length=50)),
                ("uri", models.CharField(blank=True, max_length=2000)),
                ("username", models.CharField(blank=True, max_length=200)),
                ("sealed_password", models.BinaryField(blank=True, null=True)),
                ("settings", models.JSONField(default=dict)),
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
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("space", "name"), name="feed_name_unique"),
                    models.UniqueConstraint(
                        condition=models.Q(("feed_type", "BuiltIn")),
                        fields=("space",),
                        name="one_built_in_feed",
                    ),
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
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
            name="PackageVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("package_id", models.CharField(max_length=200)),
                ("id_lower", models.CharField(max_length=200)),
                ("version", models.CharField(max_length=350)),
                ("version_lower", packages_feed.models.fields.BytewiseCharField(max_length=350)),
                ("version_key", packages_feed.models.fields.BytewiseCharField(max_length=700)),
                ("is_prerelease", models.BooleanField(default=False)),
                ("is_semver2", models.BooleanField(default=False)),
                ("extension", models.CharField(max_length=20)),
                ("size", models.BigIntegerField()),
                ("sha1", models.CharField(max_length=40)),
                ("sha512", models.CharField(max_length=128)),
                ("listed", models.BooleanField(default=True)),
                ("published", models.DateTimeField()),
                ("published_by", models.CharField(blank=True, max_length=100)),
                ("title", models.CharField(blank=True, max_length=1000)),
                ("description", models.TextField(blank=True)),
                ("tags", models.TextField(blank=True)),
                ("search_text", models.TextField(blank=True)),
                ("package_types", models.TextField(blank=True)),
                ("metadata", models.JSONField(default=dict)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="packages_feed.storedblob",
                    ),
                ),
            ],
            options={
                "ordering": ["id_lower", "-version_key", "-version_lower"],
                "indexes": [
                    models.Index(
                        fields=["space", "id_lower", "-version_key"], name="package_newest"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("space", "id_lower", "version_lower"), name="package_version_unique"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
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
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fetched",
                        to="packages_feed.feed",
                    ),
                ),
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
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("feed", "id_lower", "version_lower"), name="fetched_package_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BuildInformation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("package_id", models.CharField(max_length=200)),
                ("id_lower", models.CharField(max_length=200)),
                ("version", models.CharField(max_length=350)),
                ("version_lower", packages_feed.models.fields.BytewiseCharField(max_length=350)),
                ("version_key", packages_feed.models.fields.BytewiseCharField(max_length=700)),
                ("document", models.JSONField(default=dict)),
                ("created", models.DateTimeField()),
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
                "ordering": ["id_lower", "-version_key", "-version_lower"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("space", "id_lower", "version_lower"),
                        name="build_information_unique",
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
    ]
