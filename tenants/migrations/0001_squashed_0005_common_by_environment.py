import django.db.models.deletion
from django.db import migrations, models

import deployments.base.public_ids


class Migration(migrations.Migration):
    replaces = [
        ("tenants", "0001_initial"),
        ("tenants", "0002_variables"),
        ("tenants", "0004_common_variables"),
        ("tenants", "0005_common_by_environment"),
    ]

    initial = True

    dependencies = [
        ("base", "0001_squashed_0002_event_cursor"),
        ("infrastructure", "0001_squashed_0006_upgrade_canceled"),
        ("library", "0001_squashed_0002_library_sets"),
        ("projects", "0001_squashed_0012_watched_packages"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConnectedEnvironment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="infrastructure.environment",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "connections of tenants",
            },
        ),
        migrations.CreateModel(
            name="ProjectConnection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "environments",
                    models.ManyToManyField(
                        related_name="+",
                        through="tenants.ConnectedEnvironment",
                        to="infrastructure.environment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tenant_connections",
                        to="projects.project",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="connectedenvironment",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="connected_environments",
                to="tenants.projectconnection",
            ),
        ),
        migrations.CreateModel(
            name="TagSet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=210)),
                ("description", models.TextField(blank=True)),
                ("sort_order", models.IntegerField(default=0)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("MultiSelect", "Multi Select"),
                            ("SingleSelect", "Single Select"),
                        ],
                        default="MultiSelect",
                        max_length=20,
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
            ],
            options={
                "ordering": ["sort_order", "name"],
                "constraints": [
                    models.UniqueConstraint(fields=("space", "name"), name="tag_set_name_unique"),
                    models.UniqueConstraint(fields=("space", "slug"), name="tag_set_slug_unique"),
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("color", models.CharField(max_length=7)),
                ("description", models.TextField(blank=True)),
                ("sort_order", models.IntegerField(default=0)),
                (
                    "tag_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tags",
                        to="tenants.tagset",
                    ),
                ),
            ],
            options={
                "ordering": ["sort_order", "name"],
                "constraints": [
                    models.UniqueConstraint(fields=("tag_set", "name"), name="tag_name_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=210)),
                ("description", models.TextField(blank=True)),
                ("is_disabled", models.BooleanField(default=False)),
                ("created", models.DateTimeField()),
                (
                    "cloned_from",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="tenants.tenant",
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
            ],
            options={
                "ordering": ["name"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.AddField(
            model_name="projectconnection",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="connections",
                to="tenants.tenant",
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
                    "environment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infrastructure.environment",
                    ),
                ),
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
                        condition=models.Q(("environment", None)),
                        fields=("tenant", "library_set", "template"),
                        name="tenant_common_variable_unique",
                    ),
                    models.UniqueConstraint(
                        fields=("tenant", "library_set", "template", "environment"),
                        name="tenant_common_variable_unique_there",
                    ),
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="TenantLogo",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("content_type", models.CharField(max_length=50)),
                ("content", models.BinaryField()),
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="logo",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TenantTag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tenant_tags",
                        to="tenants.tag",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tenant_tags",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "tags of tenants",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "tag"), name="tenant_tag_unique")
                ],
            },
        ),
        migrations.AddField(
            model_name="tenant",
            name="tags",
            field=models.ManyToManyField(
                related_name="tenants", through="tenants.TenantTag", to="tenants.tag"
            ),
        ),
        migrations.CreateModel(
            name="TenantVariable",
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
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infrastructure.environment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="projects.project",
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
                        fields=("tenant", "project", "environment", "template"),
                        name="tenant_variable_unique",
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.AddConstraint(
            model_name="connectedenvironment",
            constraint=models.UniqueConstraint(
                fields=("connection", "environment"), name="connected_environment_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="projectconnection",
            constraint=models.UniqueConstraint(
                fields=("tenant", "project"), name="project_connection_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.UniqueConstraint(fields=("space", "name"), name="tenant_name_unique"),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.UniqueConstraint(fields=("space", "slug"), name="tenant_slug_unique"),
        ),
    ]
