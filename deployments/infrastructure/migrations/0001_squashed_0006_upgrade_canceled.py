import django.db.models.deletion
from django.db import migrations, models

import deployments.base.participation
import deployments.base.public_ids


class Migration(migrations.Migration):
    replaces = [
        ("infrastructure", "0001_initial"),
        ("infrastructure", "0002_health"),
        ("infrastructure", "0003_agent_upgrade"),
        ("infrastructure", "0004_worker_tokens"),
        ("infrastructure", "0005_tenants"),
        ("infrastructure", "0006_upgrade_canceled"),
    ]

    initial = True

    dependencies = [
        ("base", "0001_squashed_0002_event_cursor"),
    ]

    operations = [
        migrations.CreateModel(
            name="Agent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("credential_sha256", models.CharField(max_length=64, unique=True)),
                ("revoked", models.DateTimeField(blank=True, null=True)),
                ("quarantined", models.DateTimeField(blank=True, null=True)),
                ("version", models.CharField(blank=True, max_length=50)),
                ("operating_system", models.CharField(blank=True, max_length=200)),
                ("capabilities", models.JSONField(default=dict)),
                ("boot_id", models.CharField(blank=True, max_length=100)),
                ("boot_id_flips", models.PositiveIntegerField(default=0)),
                ("free_disk_bytes", models.BigIntegerField(blank=True, null=True)),
                ("last_seen", models.DateTimeField(blank=True, null=True)),
                ("journal_high", models.BigIntegerField(default=0)),
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
            name="AgentSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.BigIntegerField(default=0)),
                ("gateway", models.CharField(blank=True, max_length=200)),
                ("connected", models.DateTimeField(blank=True, null=True)),
                ("disconnected", models.DateTimeField(blank=True, null=True)),
                ("last_seen", models.DateTimeField(blank=True, null=True)),
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="session",
                        to="infrastructure.agent",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AgentUpgrade",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("request", models.CharField(max_length=40, unique=True)),
                ("batch", models.CharField(db_index=True, max_length=40)),
                ("version", models.CharField(max_length=50)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("requested", "Requested"),
                            ("downloading", "Downloading"),
                            ("checking", "Checking"),
                            ("trying", "Trying"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("refused", "Refused"),
                            ("silent", "Silent"),
                            ("halted", "Halted"),
                            ("canceled", "Canceled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("requested_by", models.CharField(max_length=100)),
                ("requested", models.DateTimeField()),
                ("changed", models.DateTimeField()),
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="upgrade",
                        to="infrastructure.agent",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Environment",
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
                ("sort_order", models.PositiveIntegerField(default=0)),
                ("use_guided_failure", models.BooleanField(default=False)),
                ("allow_dynamic_infrastructure", models.BooleanField(default=False)),
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
                "ordering": ["sort_order", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("space", "name"), name="environment_name_unique"
                    ),
                    models.UniqueConstraint(
                        fields=("space", "slug"), name="environment_slug_unique"
                    ),
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Machine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "health_status",
                    models.CharField(
                        choices=[
                            ("Healthy", "Healthy"),
                            ("Unavailable", "Unavailable"),
                            ("Unknown", "Unknown"),
                            ("HasWarnings", "Has Warnings"),
                            ("Unhealthy", "Unhealthy"),
                        ],
                        default="Unknown",
                        max_length=20,
                    ),
                ),
                ("status_summary", models.CharField(blank=True, max_length=500)),
                ("verdict", models.CharField(blank=True, max_length=20)),
                ("verdict_summary", models.CharField(blank=True, max_length=500)),
                ("last_check", models.DateTimeField(blank=True, null=True)),
                ("last_check_task", models.CharField(blank=True, max_length=100)),
                ("failed_checks", models.PositiveIntegerField(default=0)),
                ("away_s", models.FloatField(default=0)),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=210)),
                ("roles", models.JSONField(default=list)),
                (
                    "tenanted_participation",
                    models.CharField(
                        choices=[
                            (
                                deployments.base.participation.Participation["UNTENANTED"],
                                deployments.base.participation.Participation["UNTENANTED"],
                            ),
                            (
                                deployments.base.participation.Participation[
                                    "TENANTED_OR_UNTENANTED"
                                ],
                                deployments.base.participation.Participation[
                                    "TENANTED_OR_UNTENANTED"
                                ],
                            ),
                            (
                                deployments.base.participation.Participation["TENANTED"],
                                deployments.base.participation.Participation["TENANTED"],
                            ),
                        ],
                        default=deployments.base.participation.Participation["UNTENANTED"],
                        max_length=30,
                    ),
                ),
                ("tenant_tags", models.JSONField(default=list)),
                ("is_disabled", models.BooleanField(default=False)),
                ("endpoint", models.JSONField(default=dict)),
                ("created", models.DateTimeField()),
                (
                    "agent",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="machine",
                        to="infrastructure.agent",
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
        migrations.CreateModel(
            name="MachineEnvironment",
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
                        on_delete=django.db.models.deletion.PROTECT, to="infrastructure.environment"
                    ),
                ),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="infrastructure.machine"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("machine", "environment"), name="machine_environment_unique"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="machine",
            name="environments",
            field=models.ManyToManyField(
                related_name="machines",
                through="infrastructure.MachineEnvironment",
                to="infrastructure.environment",
            ),
        ),
        migrations.CreateModel(
            name="MachinePolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("is_default", models.BooleanField(default=False)),
                ("document", models.JSONField(default=dict)),
                ("next_check", models.DateTimeField(blank=True, null=True)),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("space", "name"), name="machine_policy_name_unique"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.AddField(
            model_name="machine",
            name="policy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="machines",
                to="infrastructure.machinepolicy",
            ),
        ),
        migrations.CreateModel(
            name="MachineTenant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant_number", models.BigIntegerField()),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tenant_links",
                        to="infrastructure.machine",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("machine", "tenant_number"), name="machine_tenant_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RegistrationToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("created_by", models.CharField(max_length=100)),
                ("created", models.DateTimeField()),
                ("expires", models.DateTimeField()),
                ("used", models.DateTimeField(blank=True, null=True)),
                ("environments", models.JSONField(default=list)),
                ("roles", models.JSONField(default=list)),
                ("is_built_in_worker", models.BooleanField(default=False)),
                ("is_worker", models.BooleanField(default=False)),
                ("worker_pools", models.JSONField(default=list)),
                ("registered", models.CharField(blank=True, max_length=100)),
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
                "ordering": ["-created"],
            },
        ),
        migrations.CreateModel(
            name="WorkerPool",
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
                ("is_default", models.BooleanField(default=False)),
                ("sort_order", models.PositiveIntegerField(default=0)),
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
                "ordering": ["sort_order", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("space", "name"), name="worker_pool_name_unique"
                    )
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "health_status",
                    models.CharField(
                        choices=[
                            ("Healthy", "Healthy"),
                            ("Unavailable", "Unavailable"),
                            ("Unknown", "Unknown"),
                            ("HasWarnings", "Has Warnings"),
                            ("Unhealthy", "Unhealthy"),
                        ],
                        default="Unknown",
                        max_length=20,
                    ),
                ),
                ("status_summary", models.CharField(blank=True, max_length=500)),
                ("verdict", models.CharField(blank=True, max_length=20)),
                ("verdict_summary", models.CharField(blank=True, max_length=500)),
                ("last_check", models.DateTimeField(blank=True, null=True)),
                ("last_check_task", models.CharField(blank=True, max_length=100)),
                ("failed_checks", models.PositiveIntegerField(default=0)),
                ("away_s", models.FloatField(default=0)),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=210)),
                ("is_disabled", models.BooleanField(default=False)),
                ("is_built_in", models.BooleanField(default=False)),
                ("endpoint", models.JSONField(default=dict)),
                ("created", models.DateTimeField()),
                (
                    "agent",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="worker",
                        to="infrastructure.agent",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="workers",
                        to="infrastructure.machinepolicy",
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
                    "pools",
                    models.ManyToManyField(related_name="workers", to="infrastructure.workerpool"),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("space", "name"), name="worker_name_unique")
                ],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.AddConstraint(
            model_name="machine",
            constraint=models.UniqueConstraint(
                fields=("space", "name"), name="machine_name_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="machine",
            constraint=models.UniqueConstraint(
                fields=("space", "slug"), name="machine_slug_unique"
            ),
        ),
    ]
