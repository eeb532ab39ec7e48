import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids
import deployments.library.models.variable


class Migration(migrations.Migration):
    replaces = [("library", "0001_initial"), ("library", "0002_library_sets")]

    initial = True

    dependencies = [
        ("base", "0001_squashed_0002_event_cursor"),
    ]

    operations = [
        migrations.CreateModel(
            name="VariableSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("owner_id", models.CharField(max_length=100, unique=True)),
                ("version", models.PositiveIntegerField(default=0)),
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
                "abstract": False,
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Variable",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "guid",
                    models.CharField(
                        default=deployments.library.models.variable.new_variable_id, max_length=36
                    ),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("name", models.CharField(max_length=1000)),
                ("value", models.TextField(blank=True, null=True)),
                ("sealed_value", models.BinaryField(blank=True, null=True)),
                ("kind", models.CharField(default="String", max_length=50)),
                ("description", models.TextField(blank=True)),
                ("is_sensitive", models.BooleanField(default=False)),
                ("scope", models.JSONField(default=dict)),
                ("prompt", models.JSONField(blank=True, null=True)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "variable_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="variables",
                        to="library.variableset",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("variable_set", "guid"), name="variable_guid_unique"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="LibraryVariableSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("templates", models.JSONField(default=list)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "variable_set",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="library_set",
                        to="library.variableset",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("space", "name"), name="library_set_name_unique"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
    ]
