import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    dependencies = [
        ("base", "0002_event_cursor"),
        ("library", "0002_library_sets"),
        ("tenants", "0002_variables"),
    ]

    operations = [
        migrations.AlterField(
            model_name="tenantvariable",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
            ),
        ),
        migrations.CreateModel(
            name="TenantCommonVariable",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("template", models.CharField(max_length=100)),
                ("value", models.TextField(blank=True)),
                ("sealed_value", models.BinaryField(blank=True, null=True)),
                (
                    "library_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="library.libraryvariableset",
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="base.space",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "library_set", "template"),
                        name="tenant_common_variable_unique",
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
    ]
