"""Certificates: uploading, changing, replacing, archiving and deleting."""

from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require, require_on, tenants_meant
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.base.naming import require_free_name, required_name
from deployments.library.certificates.facts import facts_of, moment_of
from deployments.library.certificates.files import read_bundle
from deployments.library.certificates.stored import StoredFile, open_file, seal_file
from deployments.library.certificates.writing import self_signed
from deployments.library.models import Certificate
from deployments.library.queries import environment_numbers_of
from deployments.library.services.restrictions import (
    FoundRestrictions,
    Restrictions,
    fill_restrictions,
    found_restrictions,
    restrictions_snapshot,
    store_restrictions,
)
from deployments.library.uses import require_no_uses

# X.520 allows no longer ones.
_LONGEST_NAME: Final = 64
_GENERATED_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class CertificateInput:
    """What people say of a certificate; what is in it says its file."""

    name: str
    notes: str = ""
    restrictions: Restrictions = field(default_factory=Restrictions)


@dataclass(frozen=True, slots=True, repr=False)
class UploadedFile:
    """A PFX, PEM or DER with the password that protects it, if any."""

    data: bytes
    password: str = ""


def create_certificate(
    *,
    actor: Actor,
    space: Space,
    certificate: CertificateInput,
    file: UploadedFile,
    clock: Clock = utc_now,
) -> Certificate:
    """Keep an uploaded certificate. Raises Invalid that says what is wrong with the file."""
    require(actor, space, Permission.CertificateCreate)
    stored = _read(file)
    row = Certificate(space=space, created=clock())
    with transaction.atomic():
        _hold(row, stored)
        after = _write(row, certificate)
        _seal(row, stored)
        _record(actor, row, "Created", "added", after=after)
    return row


def generate_certificate(
    *,
    actor: Actor,
    space: Space,
    certificate: CertificateInput,
    common_name: str,
    organization: str = "",
    clock: Clock = utc_now,
) -> Certificate:
    """Make a certificate that issued itself, good for a year: for tries and for who pins it."""
    require(actor, space, Permission.CertificateCreate)
    own, firm = common_name.strip(), organization.strip()
    if not own and not firm:
        text = "Give the common name, such as shop.example.com, or the organization."
        raise Invalid(fields={"CommonName": [text]})
    if len(own) > _LONGEST_NAME or len(firm) > _LONGEST_NAME:
        text = f"A common name or organization may have at most {_LONGEST_NAME} characters."
        raise Invalid(fields={"CommonName": [text]})
    data = self_signed(common_name=own, organization=firm, days=_GENERATED_DAYS, now=clock())
    return create_certificate(
        actor=actor,
        space=space,
        certificate=certificate,
        file=UploadedFile(data),
        clock=clock,
    )


def update_certificate(
    *, actor: Actor, row: Certificate, certificate: CertificateInput
) -> Certificate:
    """Change name, notes and where it may be used; needs CertificateEdit there too."""
    require_on(actor, row, Permission.CertificateEdit)
    found = found_restrictions(row, certificate.restrictions)
    require(
        actor,
        row.space,
        Permission.CertificateEdit,
        environment=found.environments,
        tenant=tenants_meant(row.space, found.tenancy.tenants, found.tenancy.tags),
    )
    before = _snapshot(row)
    with transaction.atomic():
        after = _write(row, certificate)
        _record(actor, row, "Modified", "changed", before=before, after=after)
    return row


def replace_certificate(
    *, actor: Actor, row: Certificate, file: UploadedFile, clock: Clock = utc_now
) -> Certificate:
    """Put another file into the certificate, which keeps its id, so that variables go on.

    What it was stays as an archived certificate of its own, which names this one.
    """
    require_on(actor, row, Permission.CertificateEdit)
    if row.archived:
        raise Invalid("An archived certificate cannot be replaced. Take it from the archive first.")
    new, old, now = _read(file), open_file(row), clock()
    with transaction.atomic():
        before, places = _snapshot(row), found_restrictions(row, _same(row))
        past = Certificate(
            space=row.space,
            name=row.name,
            notes=row.notes,
            created=row.created,
            archived=now,
            replaced_by=row,
        )
        _hold(past, old)
        _store(past, places)
        _seal(past, old)
        _hold(row, new)
        row.created, row.told = now, None
        row.save()
        _seal(row, new)
        _record(
            actor,
            row,
            "CertificateReplaced",
            "replaced",
            before=before,
            after=_snapshot(row),
            related=[past.public_id],
        )
    return row


def archive_certificate(*, actor: Actor, row: Certificate, clock: Clock = utc_now) -> Certificate:
    """Offer it to new variables no more; what names it goes on using it."""
    require_on(actor, row, Permission.CertificateEdit)
    if row.archived is None:
        row.archived = clock()
        with transaction.atomic():
            row.save(update_fields=["archived"])
            _record(actor, row, "Modified", "archived")
    return row


def unarchive_certificate(*, actor: Actor, row: Certificate) -> Certificate:
    """Offer it to variables again. Raises Invalid for one that was replaced."""
    require_on(actor, row, Permission.CertificateEdit)
    if row.replaced_by_id is not None:
        raise Invalid("A certificate that was replaced stays in the archive.")
    if row.archived is not None:
        row.archived = None
        with transaction.atomic():
            require_free_name(row, "A certificate", archived=None)
            row.save(update_fields=["archived"])
            _record(actor, row, "Modified", "taken from the archive")
    return row


def delete_certificate(*, actor: Actor, row: Certificate) -> None:
    """Delete a certificate that nothing names, and what it has replaced."""
    require_on(actor, row, Permission.CertificateDelete)
    require_no_uses(actor, row.space, row.public_id, f"The certificate '{row.name}'")
    with transaction.atomic():
        _record(actor, row, "Deleted", "deleted", before=_snapshot(row))
        row.delete()


def _read(file: UploadedFile) -> StoredFile:
    return StoredFile(file.data, file.password, read_bundle(file.data, file.password))


def _hold(row: Certificate, file: StoredFile) -> None:
    row.facts = {**facts_of(file.bundle), "HasPassword": bool(file.password)}
    row.thumbprint = row.facts["Thumbprint"]
    row.not_after = moment_of(row.facts["NotAfter"])
    row.has_private_key = file.bundle.key is not None


def _same(row: Certificate) -> Restrictions:
    return Restrictions(environment_numbers_of([row])[row.pk])


def _write(row: Certificate, certificate: CertificateInput) -> dict[str, Any]:
    """Store what people say of it; return what events compare of it."""
    row.name, row.notes = required_name(certificate.name), certificate.notes
    if row.archived is None:
        require_free_name(row, "A certificate", archived=None)
    _store(row, found_restrictions(row, certificate.restrictions))
    return _snapshot(row)


def _store(row: Certificate, places: FoundRestrictions) -> None:
    fill_restrictions(row, places)
    row.save()
    store_restrictions(row, places)


def _seal(row: Certificate, file: StoredFile) -> None:
    row.sealed_file = seal_file(row, file)
    row.save(update_fields=["sealed_file"])


def _snapshot(row: Certificate) -> dict[str, Any]:
    return {
        "Name": row.name,
        "Notes": row.notes,
        "Subject": row.facts["SubjectDistinguishedName"],
        "Thumbprint": row.thumbprint,
        "NotAfter": row.facts["NotAfter"],
        "HasPrivateKey": row.has_private_key,
        **restrictions_snapshot(row),
    }


def _record(
    actor: Actor,
    row: Certificate,
    category: str,
    verb: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    related: list[str] | None = None,
) -> None:
    snapshot = after or before or {}
    events.record(
        actor=actor,
        space=row.space,
        category=category,
        message=f"Certificate {row.name} was {verb}",
        subject=row.public_id,
        related=[
            *snapshot.get("EnvironmentIds", []),
            *snapshot.get("TenantIds", []),
            *(related or []),
        ],
        before=before,
        after=after,
    )
