"""Events outlive their space, name the credential, and are kept by triggers.

Whoever rebuilds one of the two tables on SQLite loses its triggers there and must make them again.
"""

import django.db.models.deletion
from django.db import migrations, models

REFUSAL = "events are neither changed nor removed"
# The stream orders events anew after a backup has brought them from another server.
CHANGEABLE = {"transaction_id"}
TABLES = ("base_event", "base_eventrelated")
ALLOWED = "EXISTS (SELECT 1 FROM base_eventremoval)"


def create_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"""
            CREATE OR REPLACE FUNCTION base_keep_events() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' AND {ALLOWED} THEN
                    RETURN OLD;
                END IF;
                RAISE EXCEPTION '{REFUSAL}';
            END $$
            """,
            params=None,
        )
    for table in TABLES:
        columns = ", ".join(name for name in _columns(schema_editor, table))
        for operation, act in (("update", f"UPDATE OF {columns}"), ("delete", "DELETE")):
            schema_editor.execute(
                _trigger(schema_editor.connection.vendor, table, operation, act), params=None
            )


def _columns(schema_editor, table):
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_table_description(cursor, table)
    return [column.name for column in found if column.name not in CHANGEABLE]


def _trigger(vendor, table, operation, act):
    start = f"CREATE TRIGGER {table}_kept_{operation} BEFORE {act} ON {table} FOR EACH ROW"
    if vendor == "postgresql":
        return f"{start} EXECUTE FUNCTION base_keep_events()"
    when = f" WHEN NOT {ALLOWED}" if operation == "delete" else ""
    return f"{start}{when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"


def drop_triggers(apps, schema_editor):
    on = {"postgresql": " ON {table}"}.get(schema_editor.connection.vendor, "")
    for table in TABLES:
        for operation in ("update", "delete"):
            schema_editor.execute(
                f"DROP TRIGGER {table}_kept_{operation}{on.format(table=table)}", params=None
            )
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION base_keep_events()", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0001_squashed_0002_event_cursor"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventRemoval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=100)),
            ],
        ),
        migrations.AddField(
            model_name="event",
            name="credential",
            field=models.CharField(blank=True, max_length=250),
        ),
        migrations.AlterField(
            model_name="event",
            name="space",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="base.space",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["actor_id", "-id"], name="event_actor"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["occurred"], name="event_occurred"),
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
