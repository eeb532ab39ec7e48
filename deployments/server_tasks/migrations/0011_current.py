from typing import Any

from django.db import migrations, models

_PLACE = ("space", "project_number", "environment_number", "tenant_number")


def mark(apps: Any, _editor: Any) -> None:
    """Mark the newest deployment of each place."""
    rows = apps.get_model("server_tasks", "ServerTask").objects.filter(kind="Deploy")
    newest = rows.order_by().values(*_PLACE).annotate(newest=models.Max("pk")).values("newest")
    rows.filter(pk__in=newest).update(is_current=True)


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("server_tasks", "0010_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="servertask",
            name="is_current",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="servertask",
            index=models.Index(
                condition=models.Q(("is_current", True)),
                fields=["space", "project_number", "environment_number", "tenant_number", "id"],
                name="task_current",
            ),
        ),
        migrations.AddIndex(
            model_name="servertask",
            index=models.Index(
                condition=models.Q(("is_current", True)),
                fields=["space", "state"],
                name="task_current_state",
            ),
        ),
    ]
