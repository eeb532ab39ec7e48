import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("infrastructure", "0006_upgrade_canceled"),
        ("tenants", "0004_common_variables"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="tenantcommonvariable", name="tenant_common_variable_unique"
        ),
        migrations.AddField(
            model_name="tenantcommonvariable",
            name="environment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="infrastructure.environment",
            ),
        ),
        migrations.AddConstraint(
            model_name="tenantcommonvariable",
            constraint=models.UniqueConstraint(
                condition=models.Q(("environment", None)),
                fields=("tenant", "library_set", "template"),
                name="tenant_common_variable_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="tenantcommonvariable",
            constraint=models.UniqueConstraint(
                fields=("tenant", "library_set", "template", "environment"),
                name="tenant_common_variable_unique_there",
            ),
        ),
    ]
