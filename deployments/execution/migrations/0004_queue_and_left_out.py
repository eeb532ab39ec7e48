from django.db import migrations, models

import deployments.execution.states


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0001_initial"),
        ("execution", "0003_interruption_choices"),
        ("infrastructure", "0001_initial"),
        ("server_tasks", "0002_queue_and_waiting"),
    ]

    operations = [
        migrations.AlterField(
            model_name="actionexecution",
            name="state",
            field=models.CharField(
                choices=[
                    ("Pending", "Pending"),
                    ("Running", "Running"),
                    ("Waiting", "Waiting"),
                    ("Succeeded", "Succeeded"),
                    ("Failed", "Failed"),
                    ("Canceled", "Canceled"),
                    ("Skipped", "Skipped"),
                    ("LeftOut", "LeftOut"),
                    ("Lost", "Lost"),
                ],
                default=deployments.execution.states.ExecutionState["PENDING"],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="actionexecution",
            index=models.Index(
                condition=models.Q(
                    (
                        "state__in",
                        (
                            deployments.execution.states.ExecutionState["PENDING"],
                            deployments.execution.states.ExecutionState["RUNNING"],
                            deployments.execution.states.ExecutionState["WAITING"],
                        ),
                    )
                ),
                fields=["state", "agent"],
                name="execution_live",
            ),
        ),
    ]
