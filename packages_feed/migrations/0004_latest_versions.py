import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids
import packages_feed.models.fields

# As services.latest finds them, for the versions that are there already.
FILL = """
WITH kinds(kind, nuget, prerelease, semver2) AS (VALUES
    (0, FALSE, TRUE, TRUE), (1, TRUE, TRUE, TRUE), (2, TRUE, FALSE, TRUE),
    (3, TRUE, TRUE, FALSE), (4, TRUE, FALSE, FALSE))
INSERT INTO packages_feed_latestversion
    (space_id, id_lower, kind, version_id, sort_key, search_text)
SELECT space_id, id_lower, kind, id, sort_key, search_text FROM (
    SELECT v.space_id, v.id_lower, k.kind, v.id, v.search_text,
        v.version_key || ' ' || v.version_lower AS sort_key,
        ROW_NUMBER() OVER (
            PARTITION BY v.space_id, v.id_lower, k.kind
            ORDER BY v.version_key DESC, v.version_lower DESC
        ) AS place
    FROM packages_feed_packageversion v
    JOIN kinds k ON NOT k.nuget
        OR (v.extension = '.nupkg' AND v.listed
            AND (k.prerelease OR NOT v.is_prerelease)
            AND (k.semver2 OR NOT v.is_semver2))
) AS newest WHERE place = 1
"""


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0004_space_deletion"),
        ("packages_feed", "0003_package_patches"),
    ]

    operations = [
        migrations.CreateModel(
            name="LatestVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("id_lower", models.CharField(max_length=200)),
                ("kind", models.PositiveSmallIntegerField()),
                ("sort_key", packages_feed.models.fields.BytewiseCharField(max_length=1060)),
                ("search_text", models.TextField(blank=True)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="latest",
                        to="packages_feed.packageversion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("space", "kind", "id_lower"), name="latest_version_unique"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
