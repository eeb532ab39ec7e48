"""Certificates on the wire; their files come in and go out only by an export."""

import base64
import binascii
from typing import Any, ClassVar, Final

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api import dates
from deployments.base.api.fields import text
from deployments.base.api.links import space_path, with_query
from deployments.base.api.parsers import fields_of
from deployments.base.api.query import Query
from deployments.base.api.secret_field import SecretField
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.library.certificates.files import MOST_BYTES
from deployments.library.models import Certificate
from deployments.library.queries import certificates_found
from deployments.library.services.certificate_exports import ExportWish, export_certificate
from deployments.library.services.certificates import (
    CertificateInput,
    UploadedFile,
    archive_certificate,
    create_certificate,
    delete_certificate,
    generate_certificate,
    replace_certificate,
    unarchive_certificate,
    update_certificate,
)
from deployments.projects.api.restricted import (
    RestrictedSerializer,
    restrictions_of,
    usage_resource,
)

_USAGES: Final = (
    "DeploymentProcesses",
    "LibraryVariableSets",
    "ProjectVariableSets",
    "Releases",
    "RunbookProcesses",
    "RunbookSnapshots",
    "TenantVariables",
)
_KNOWN_AS: Final = {
    "ProjectUsages": "ProjectVariableSets",
    "LibraryVariableSetUsages": "LibraryVariableSets",
    "TenantUsages": "TenantVariables",
}
_THUMBPRINT: Final = 40


class CertificateSerializer(RestrictedSerializer):
    name = serializers.CharField(max_length=200)
    notes = text()
    certificate_data = SecretField(write_only=True)
    password = SecretField(write_only=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        facts = dict(instance.facts)
        has_password = facts.pop("HasPassword", False)
        del facts["ChainIsComplete"]  # the pages' own
        return {
            **super().to_representation(instance),
            **facts,
            "IsExpired": instance.not_after <= utc_now(),
            "Archived": dates.to_wire(instance.archived),
            "ReplacedBy": f"Certificates-{instance.replaced_by_id}"
            if instance.replaced_by_id
            else None,
            "CertificateData": {"HasValue": True, "NewValue": None},
            "Password": {"HasValue": has_password, "NewValue": None},
        }

    def get_links(self, row: Certificate) -> dict[str, str]:
        path = space_path(f"Spaces-{row.space_id}", "certificates", row.public_id)
        return {
            "Self": path,
            "Archive": f"{path}/archive",
            "Unarchive": f"{path}/unarchive",
            "Replace": f"{path}/replace",
            "Export": with_query(
                f"{path}/export", "format", "includePrivateKey", "pemOptions", "password"
            ),
            "Usages": f"{path}/usages",
        }


class CertificateViewSet(SpaceViewSet[Certificate]):
    model = Certificate
    serializer_class = CertificateSerializer
    item_type = "Certificate"
    path = "certificates"
    query_names = ("skip", "take", "ids", "partialName", "search", "archived", "tenant")
    view_permission = Permission.CertificateView
    permission_map: ClassVar = {
        "list": Permission.CertificateView,
        "all": Permission.CertificateView,
        "retrieve": Permission.CertificateView,
        "create": Permission.CertificateCreate,
        "update": Permission.CertificateEdit,
        "destroy": Permission.CertificateDelete,
        "generate": Permission.CertificateCreate,
        "replace": Permission.CertificateEdit,
        "archive": Permission.CertificateEdit,
        "unarchive": Permission.CertificateEdit,
        "export": Permission.CertificateView,
        "usages": Permission.CertificateView,
    }

    def find(self, rows: QuerySet[Certificate], text: str) -> Certificate | None:
        """Return the certificate by public id, else the live one by thumbprint."""
        if len(text) == _THUMBPRINT:
            found = rows.filter(thumbprint__iexact=text)
            return found.order_by("archived", "-pk").first()
        return super().find(rows, text)

    def filtered(self, rows: QuerySet[Certificate], query: Query) -> QuerySet[Certificate]:
        rows = certificates_found(super().filtered(rows, query), query.text("search"))
        if not query.texts("ids"):
            archived = query.flag("archived", default=False)
            rows = rows.exclude(archived=None) if archived else rows.filter(archived=None)
        if tenant := query.text("tenant"):
            number = self.tenant_number(tenant)
            rows = rows.filter(Q(tenant_links__tenant_number=number)).distinct()
        return rows

    def tenant_number(self, text: str) -> int:
        """Return the number in a tenant's public id, of none when it is no such id."""
        digits = text.rpartition("-")[2]
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else 0  # noqa: PLR2004

    def create_row(self, data: dict[str, Any]) -> Certificate:
        return create_certificate(
            actor=self.actor,
            space=self.space,
            certificate=self._input(data),
            file=_file(data["certificate_data"], data["password"]),
        )

    def update_row(self, row: Certificate, data: dict[str, Any]) -> Certificate:
        # Another file comes by `replace`.
        return update_certificate(actor=self.actor, row=row, certificate=self._input(data))

    def destroy_row(self, row: Certificate) -> None:
        delete_certificate(actor=self.actor, row=row)

    def generate(self, request: Request, **ids: Any) -> Response:
        """Make a certificate that issued itself, of the common name or organization given."""
        body = fields_of(request.data)
        common_name, organization = (
            str(body.get(name) or "") for name in ("commonname", "organization")
        )
        body["name"] = body.get("name") or common_name or organization
        serializer = self.serializer_class(context=self.context())
        row = generate_certificate(
            actor=self.actor,
            space=self.space,
            certificate=self._input(serializer.read(body)),
            common_name=common_name,
            organization=organization,
        )
        return self.answer(row, status=201)

    def replace(self, request: Request, **ids: Any) -> Response:
        """Put another file into the certificate, which keeps its id."""
        row = self.get_object()
        body = fields_of(request.data)
        file = _file(_sent(body, "certificatedata"), _sent(body, "password"))
        return self.answer(replace_certificate(actor=self.actor, row=row, file=file))

    def archive(self, request: Request, **ids: Any) -> Response:
        """Offer the certificate to new variables no more."""
        return self.answer(archive_certificate(actor=self.actor, row=self.get_object()))

    def unarchive(self, request: Request, **ids: Any) -> Response:
        """Offer it again."""
        return self.answer(unarchive_certificate(actor=self.actor, row=self.get_object()))

    def export(self, request: Request, **ids: Any) -> HttpResponse:
        """Answer with the certificate as a file; by POST the wishes are in the body."""
        row = self.get_object()
        file = export_certificate(actor=self.actor, row=row, wish=self._wish(request))
        answer = HttpResponse(file.data, content_type=file.content_type)
        disposition = content_disposition_header(as_attachment=True, filename=file.name)
        answer.headers["Content-Disposition"] = disposition
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def usages(self, request: Request, **ids: Any) -> Response:
        """Say what names the certificate, as far as the actor may see it."""
        found = usage_resource(self, self.get_object(), _USAGES)
        # The same under the names that clients know of certificates.
        found |= {theirs: found[ours] for theirs, ours in _KNOWN_AS.items()}
        return Response({**found, "DeploymentTargetUsages": []})

    def _wish(self, request: Request) -> ExportWish:
        query = self.query
        if request.method == "POST":
            body = fields_of(request.data)
            query = Query({name: [str(value)] for name, value in body.items() if value is not None})
        return ExportWish(
            format=query.text("format"),
            with_key=bool(query.flag("includePrivateKey", default=False)),
            pem_parts=query.text("pemOptions", "PrimaryOnly"),
            password=query.text("password"),
        )

    def _input(self, data: dict[str, Any]) -> CertificateInput:
        return CertificateInput(data["name"], data["notes"], restrictions_of(self, data))


def _sent(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return None if value is None else SecretField().run_validation(value)


def _file(data: str | None, password: str | None) -> UploadedFile:
    """Return the file that the texts mean, the first of which is base64. Raises Invalid."""
    if len(data or "") > 2 * MOST_BYTES:
        raise Invalid(fields={"CertificateData": ["The file may have at most 1 MiB."]})
    try:
        return UploadedFile(base64.b64decode(data or "", validate=True), password or "")
    except (binascii.Error, ValueError) as error:
        problem = "CertificateData must be the file in base64."
        raise Invalid(fields={"CertificateData": [problem]}) from error
