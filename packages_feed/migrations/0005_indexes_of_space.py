"""The indexes of the space alone go: others begin with it. Dropped by name, which locks least."""

import django.db.models.deletion
from django.db import migrations, models


def drop(model: str, table: str, name: str) -> migrations.SeparateDatabaseAndState:
    """Return the operation; Django's own makes the foreign key anew and looks at every row."""
    space = models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to="base.space",
    )
    return migrations.SeparateDatabaseAndState(
        [
            migrations.RunSQL(
                f'DROP INDEX IF EXISTS "{name}"', f'CREATE INDEX "{name}" ON "{table}" ("space_id")'
            )
        ],
        [migrations.AlterField(model, "space", space)],
    )


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0004_space_deletion"),
        ("packages_feed", "0004_latest_versions"),
    ]

    operations = [
        drop(
            "buildinformation",
            "packages_feed_buildinformation",
            "packages_feed_buildinformation_space_id_a464df58",
        ),
        drop("feed", "packages_feed_feed", "packages_feed_feed_space_id_fb1e1980"),
        drop(
            "latestversion",
            "packages_feed_latestversion",
            "packages_feed_latestversion_space_id_78093845",
        ),
        drop(
            "packageversion",
            "packages_feed_packageversion",
            "packages_feed_packageversion_space_id_8963af8f",
        ),
    ]
