"""Certificates: X.509, with their chain and private key."""

from typing import ClassVar

from django.db import models

from deployments.library.models.restricted import EnvironmentLink, Restricted, TenantLink


class Certificate(Restricted):
    """A certificate that variables name.

    `facts` is what it says of itself (deployments.library.certificates.facts); `sealed_file` the
    uploaded file with its password and what was read from it, a JSON object as text. A replaced
    one is kept archived, `replaced_by` names the one that took its place. `told` is the least
    number of days to the expiry of which an event has told.
    """

    id_prefix = "Certificates"
    kind_word = "certificate"
    scope_paths: ClassVar[dict[str, str]] = {
        "environment": "environment_links__environment_number",
        "tenant": "tenant_links__tenant_number",
    }

    name = models.CharField(max_length=200)
    notes = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    sealed_file = models.BinaryField(null=True)
    thumbprint = models.CharField(max_length=40, db_index=True)
    not_after = models.DateTimeField()
    has_private_key = models.BooleanField(default=False)
    created = models.DateTimeField()
    archived = models.DateTimeField(null=True, blank=True)
    replaced_by = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="replaced"
    )
    told = models.SmallIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["space", "name"],
                condition=models.Q(archived=None),
                name="certificate_name_unique",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_file`."""
        return f"certificate:{self.pk}:file"


class CertificateEnvironment(EnvironmentLink):
    """An environment that a certificate is for."""

    owner = models.ForeignKey(
        Certificate, on_delete=models.CASCADE, related_name="environment_links"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "environment_number"], name="certificate_environment_unique"
            )
        ]


class CertificateTenant(TenantLink):
    """A tenant that a certificate is for."""

    owner = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="tenant_links")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "tenant_number"], name="certificate_tenant_unique"
            )
        ]
