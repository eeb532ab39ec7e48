from django.db import migrations, models

import deployments.server_tasks.states


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0004_space_deletion"),
        ("server_tasks", "0012_node_details"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="servertask",
            index=models.Index(
                condition=models.Q(
                    ("is_current", False),
                    ("state", deployments.server_tasks.states.TaskState["SUCCESS"]),
                ),
                fields=[
                    "space",
                    "kind",
                    "project_number",
                    "environment_number",
                    "tenant_number",
                    "-id",
                ],
                name="task_succeeded",
            ),
        ),
    ]
