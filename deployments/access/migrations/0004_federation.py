import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import deployments.base.public_ids


def give_ids(apps: object, schema_editor: object) -> None:
    User = apps.get_model("access", "User")
    for number in User.objects.values_list("pk", flat=True):
        User.objects.filter(pk=number).update(external_id=uuid.uuid4())


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_identity"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdentityProvider",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("slug", models.SlugField(max_length=110, unique=True)),
                ("issuer", models.CharField(max_length=500)),
                ("client_id", models.CharField(max_length=500)),
                ("sealed_secret", models.BinaryField(blank=True, null=True)),
                ("scopes", models.CharField(max_length=500)),
                ("group_claim", models.CharField(max_length=200)),
                ("username_claim", models.CharField(max_length=200)),
                ("is_enabled", models.BooleanField(default=True)),
                ("creates_users", models.BooleanField(default=False)),
                ("links_by_email", models.BooleanField(default=False)),
                ("group_days", models.PositiveSmallIntegerField(default=30)),
            ],
            options={
                "ordering": ["name"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.AddField(
            model_name="user",
            name="external_id",
            field=models.UUIDField(null=True, editable=False),
        ),
        migrations.RunPython(give_ids, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="user",
            name="external_id",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
        ),
        migrations.CreateModel(
            name="ExternalLogin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.CharField(max_length=255)),
                ("shown_as", models.CharField(blank=True, max_length=255)),
                ("groups", models.JSONField(default=list)),
                ("created", models.DateTimeField()),
                ("last_used", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="external_logins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="logins",
                        to="access.identityprovider",
                    ),
                ),
            ],
            options={
                "ordering": ["provider__name", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "subject"), name="external_login_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OidcIdentity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("issuer", models.CharField(max_length=500)),
                ("subject", models.CharField(max_length=500)),
                ("audience", models.CharField(blank=True, max_length=500)),
                ("created", models.DateTimeField()),
                ("last_used", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="oidc_identities",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
            },
            bases=(deployments.base.public_ids.PublicId, models.Model),
        ),
        migrations.CreateModel(
            name="ProvidedMembership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="access.identityprovider",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="provided",
                        to="access.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="provided_memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("team", "user", "provider"), name="provided_membership_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TeamExternalGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("group", models.CharField(max_length=400)),
                ("display_name", models.CharField(blank=True, max_length=400)),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="access.identityprovider",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="external_groups",
                        to="access.team",
                    ),
                ),
            ],
            options={
                "ordering": ["provider__name", "display_name", "group"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("team", "provider", "group"), name="team_external_group_unique"
                    )
                ],
            },
        ),
    ]
