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
        ("server_tasks", "0014_waits_for_all"),
    ]

    operations = [
        drop("servertask", "server_tasks_servertask", "server_tasks_servertask_space_id_b88ae52c"),
    ]
