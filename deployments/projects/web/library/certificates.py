"""Certificates: the list, uploading one, and the page of one with what may be done with it."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    checked,
    filters_of,
    go,
    page_of,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.clock import utc_now
from deployments.library.certificates.expiry import Expiry, expiry_of
from deployments.library.certificates.facts import moment_of
from deployments.library.certificates.files import MOST_BYTES, Format
from deployments.library.models import Certificate
from deployments.library.queries import certificates_found
from deployments.library.services.certificate_exports import (
    PEM_PARTS,
    ExportWish,
    export_certificate,
)
from deployments.library.services.certificates import (
    CertificateInput,
    UploadedFile,
    archive_certificate,
    create_certificate,
    delete_certificate,
    replace_certificate,
    unarchive_certificate,
    update_certificate,
)
from deployments.projects.web.library.restricted import (
    environment_names,
    offered_environments,
    restriction_values,
    sent_restrictions,
    uses_frame,
)

CERTIFICATES = "projects/certificates"
_SEE = Permission.CertificateView
_SOON: Final = timedelta(days=20)
_STATES: Final = ("", "soon", "expired", "archived")


@require_GET
@page(_SEE)
def certificate_list(request: PageRequest) -> HttpResponse:
    """List the certificates, those that expire first on top when it is asked for."""
    asked = filters_of(request)
    text, state = asked["q"].strip(), asked["state"]
    every = Certificate.objects.visible_to(request.actor, request.space, _SEE)
    live, now = every.filter(archived=None), utc_now()
    rows = every.exclude(archived=None) if state == "archived" else live
    if state == "soon":
        rows = rows.filter(not_after__gt=now, not_after__lte=now + _SOON).order_by("not_after")
    elif state == "expired":
        rows = rows.filter(not_after__lte=now)
    part = page_of(request, certificates_found(rows, text))
    places = environment_names(request, part.object_list)
    values = {
        "page": part,
        "rows": [(row, expiry_of(row.not_after, now), places[row.pk]) for row in part.object_list],
        "total": every.count(),
        "ending": live.filter(not_after__lte=now + _SOON).count(),
        "text": text,
        "state": state if state in _STATES else "",
        "may_create": request.grants.allows(Permission.CertificateCreate),
    }
    return show(request, "projects/certificates.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.CertificateCreate)
def certificate_new(request: PageRequest) -> HttpResponse:
    """Upload a certificate."""
    if request.method == "GET":
        return _new(request)
    offered = offered_environments(request, Permission.CertificateView)
    row, problems = attempt(
        lambda: create_certificate(
            actor=request.actor,
            space=request.space,
            certificate=CertificateInput(
                request.POST.get("name", ""),
                request.POST.get("notes", ""),
                sent_restrictions(request, offered),
            ),
            file=_uploaded(request),
        )
    )
    if row is None:
        return _new(request, problems)
    messages.success(request, f"The certificate {row.name} was added. Variables can name it now.")
    return go(request, f"{CERTIFICATES}/{row.public_id}")


@require_http_methods(["GET", "POST"])
@page(_SEE)
def certificate_page(request: PageRequest, certificate: str) -> HttpResponse:
    """Show what is in a certificate and what uses it; change its name and where it is used."""
    row = find(request, Certificate, certificate, _SEE)
    if request.method == "GET":
        return _page(request, row)
    offered = offered_environments(request, Permission.CertificateEdit)
    saved, problems = attempt(
        lambda: update_certificate(
            actor=request.actor,
            row=find(request, Certificate, certificate, _SEE),
            certificate=CertificateInput(
                request.POST.get("name", ""),
                request.POST.get("notes", ""),
                sent_restrictions(request, offered, row),
            ),
        )
    )
    if saved is None:
        return _page(request, row, problems)
    messages.success(request, f"The certificate {saved.name} was saved.")
    return go(request, f"{CERTIFICATES}/{row.public_id}")


@require_POST
@page(Permission.CertificateEdit)
def certificate_replace(request: PageRequest, certificate: str) -> HttpResponse:
    """Put another file into the certificate; what it was goes to the archive."""
    row = find(request, Certificate, certificate, _SEE)
    saved, problems = attempt(
        lambda: replace_certificate(actor=request.actor, row=row, file=_uploaded(request))
    )
    if saved is None:
        return _page(request, find(request, Certificate, certificate, _SEE), problems)
    messages.success(
        request, f"{saved.name} was replaced. Deployments that start now use the new one."
    )
    return go(request, f"{CERTIFICATES}/{row.public_id}")


@require_POST
@page(Permission.CertificateEdit)
def certificate_archive(request: PageRequest, certificate: str) -> HttpResponse:
    """Put a certificate into the archive, or take it out."""
    row = find(request, Certificate, certificate, _SEE)
    away = request.POST.get("to") == "archive"
    change = archive_certificate if away else unarchive_certificate
    what = "is offered to new variables no more" if away else "is offered to variables again"
    return carry_out(
        request,
        lambda: change(actor=request.actor, row=row),
        f"{row.name} {what}.",
        to=f"{CERTIFICATES}/{row.public_id}",
    )


@require_POST
@page(_SEE)
def certificate_export(request: PageRequest, certificate: str) -> HttpResponse:
    """Give the certificate as a file; the private key needs a permission of its own."""
    row = find(request, Certificate, certificate, _SEE)
    wish = ExportWish(
        format=request.POST.get("format", ""),
        with_key=checked(request, "with_key"),
        pem_parts=request.POST.get("pem_parts", PEM_PARTS[0]),
        password=request.POST.get("export_password", ""),
    )
    file, problems = attempt(lambda: export_certificate(actor=request.actor, row=row, wish=wish))
    if file is None:
        messages.error(request, problems.errors[0])
        return go(request, f"{CERTIFICATES}/{row.public_id}")
    answer = HttpResponse(file.data, content_type=file.content_type)
    disposition = content_disposition_header(as_attachment=True, filename=file.name)
    answer.headers["Content-Disposition"] = disposition
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
@page(Permission.CertificateDelete)
def certificate_delete(request: PageRequest, certificate: str) -> HttpResponse:
    """Delete a certificate that nothing names."""
    row = find(request, Certificate, certificate, _SEE)
    return carry_out(
        request,
        lambda: delete_certificate(actor=request.actor, row=row),
        f"The certificate {row.name} was deleted.",
        to=CERTIFICATES,
        refused=f"{CERTIFICATES}/{row.public_id}",
    )


def _uploaded(request: PageRequest) -> UploadedFile:
    file = request.FILES.get("file")
    # One byte more than there may be tells that there are too many.
    data = file.read(MOST_BYTES + 1) if file else b""
    if not data:
        data = request.POST.get("pem", "").encode()
    return UploadedFile(data, request.POST.get("password", ""))


def _new(request: PageRequest, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    values = {
        "name": request.POST.get("name", ""),
        "notes": request.POST.get("notes", ""),
        "values": restriction_values(request, None, is_sent=request.method == "POST"),
        "environments": offered_environments(request, Permission.CertificateView),
    }
    return show(request, "projects/certificate_new.html", values, problems)


def _page(request: PageRequest, row: Certificate, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    is_sent = request.method == "POST" and "name" in request.POST
    expiry: Expiry = expiry_of(row.not_after, utc_now())
    replaced = Certificate.objects.visible_to(request.actor, request.space, _SEE).filter(
        replaced_by=row
    )
    may_export_key = row.has_private_key and allows_on(
        request.actor, row, Permission.CertificateExportPrivateKey
    )
    values: dict[str, Any] = {
        "certificate": row,
        "facts": row.facts,
        "not_before": moment_of(row.facts["NotBefore"]),
        "chain": [(each, moment_of(each["NotAfter"])) for each in row.facts["CertificateChain"]],
        "expiry": expiry,
        "name": request.POST.get("name", "") if is_sent else row.name,
        "notes": request.POST.get("notes", "") if is_sent else row.notes,
        "values": restriction_values(request, row, is_sent=is_sent),
        "environments": offered_environments(request, Permission.CertificateEdit),
        "placed": environment_names(request, [row])[row.pk],
        "replaced": replaced.order_by("-archived"),
        "formats": list(Format),
        "pem_parts": PEM_PARTS,
        "may_export_key": may_export_key,
        "may_edit": allows_on(request.actor, row, Permission.CertificateEdit),
        "may_delete": allows_on(request.actor, row, Permission.CertificateDelete),
        **uses_frame(request, row),
    }
    return show(request, "projects/certificate.html", values, problems)
