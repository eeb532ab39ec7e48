"""V2: packages as Atom entries."""

import base64
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from deployments.base.clock import utc_now
from packages_feed.models import PackageVersion
from packages_feed.nuget.base import FeedRequest
from packages_feed.nuget.rows import normalized
from packages_feed.nuget.urls_of import download_url, icon_url, web_url
from packages_feed.nuget.v3_registrations import groups_of

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_LONG_FRAMEWORK = re.compile(
    r"\.(NETFramework|NETStandard|NETCoreApp)v?([0-9]+(?:\.[0-9]+)*)\Z", re.IGNORECASE
)
_SHORT = {"netframework": "net", "netstandard": "netstandard", "netcoreapp": "netcoreapp"}
_NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom"'
    ' xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"'
    ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"'
)
_SCHEME = "http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_UNLISTED = datetime(1900, 1, 1, tzinfo=UTC)


class EntryWriter:
    """Writes entries; `stable` and `absolute` are the row numbers of the latest versions."""

    def __init__(
        self, feed: FeedRequest, *, stable: Collection[int], absolute: Collection[int]
    ) -> None:
        self._feed = feed
        self._stable = stable
        self._absolute = absolute

    def single(self, row: PackageVersion) -> str:
        """Return the document of one entry."""
        entry = self._entry(row, f" xml:base={quoteattr(self._base)} {_NAMESPACES}")
        return _document(entry)

    def collection(
        self,
        name: str,
        rows: Iterable[PackageVersion],
        *,
        count: int | None = None,
        following: str = "",
    ) -> str:
        """Return a feed document; `following` is the absolute address of its next page."""
        counted = "" if count is None else f"<m:count>{count}</m:count>"
        link = f'<link rel="next" href={quoteattr(following)}/>' if following else ""
        return _document(
            f"<feed xml:base={quoteattr(self._base)} {_NAMESPACES}>{counted}"
            f"<id>{escape(self._base)}{name}</id>"
            f'<title type="text">{name}</title><updated>{_moment(utc_now())}Z</updated>'
            f'<link rel="self" title="{name}" href="{name}"/>'
            f"{''.join(self._entry(row) for row in rows)}{link}</feed>"
        )

    @property
    def _base(self) -> str:
        return f"{self._feed.base}/"

    def _entry(self, row: PackageVersion, attributes: str = "") -> str:
        key = escape(f"Packages(Id='{row.package_id}',Version='{normalized(row)}')")
        updated = f"{_moment(row.published)}Z"
        authors = escape(row.metadata.get("authors", ""))
        source = quoteattr(download_url(self._feed, row))
        return (
            f"<entry{attributes}><id>{escape(self._base)}{key}</id>"
            f'<category term="Feed.V2FeedPackage" scheme="{_SCHEME}"/>'
            f'<link rel="edit" title="V2FeedPackage" href="{key}"/>'
            f'<title type="text">{escape(row.package_id)}</title>'
            f'<summary type="text">{escape(row.metadata.get("summary", ""))}</summary>'
            f"<updated>{updated}</updated><author><name>{authors}</name></author>"
            f'<content type="application/zip" src={source}/>'
            f"<m:properties>{self._properties(row)}</m:properties></entry>"
        )

    def _properties(self, row: PackageVersion) -> str:
        texts = row.metadata
        properties: list[tuple[str, Any]] = [
            ("Id", row.package_id),
            ("Version", row.version),
            ("NormalizedVersion", normalized(row)),
            ("Title", row.title or row.package_id),
            ("Authors", texts.get("authors", "")),
            ("Owners", texts.get("owners", "")),
            ("Summary", texts.get("summary", "")),
            ("Description", row.description),
            ("Tags", f" {row.tags} " if row.tags else ""),
            ("Copyright", texts.get("copyright", "")),
            ("Language", texts.get("language", "")),
            ("Created", row.published),
            ("Published", row.published if row.listed else _UNLISTED),
            ("LastUpdated", row.published),
            ("Dependencies", dependencies_text(row)),
            ("DownloadCount", 0),
            ("VersionDownloadCount", 0),
            ("IconUrl", icon_url(self._feed, row)),
            ("LicenseUrl", web_url(texts.get("license_url", ""))),
            ("ProjectUrl", web_url(texts.get("project_url", ""))),
            ("IsLatestVersion", row.pk in self._stable),
            ("IsAbsoluteLatestVersion", row.pk in self._absolute),
            ("IsPrerelease", row.is_prerelease),
            ("Listed", row.listed),
            ("PackageHash", base64.b64encode(bytes.fromhex(row.sha512)).decode()),
            ("PackageHashAlgorithm", "SHA512"),
            ("ReleaseNotes", texts.get("release_notes", "")),
            ("RequireLicenseAcceptance", bool(texts.get("require_license_acceptance"))),
            ("DevelopmentDependency", bool(texts.get("development_dependency"))),
            ("MinClientVersion", texts.get("min_client_version", "")),
        ]
        size = f'<d:PackageSize m:type="Edm.Int64">{row.size}</d:PackageSize>'
        return "".join(_property(name, value) for name, value in properties) + size


def dependencies_text(row: PackageVersion) -> str:
    """Return `Acme.Core:[1.0.0, ):net45|::net40`; the latter says "none" for a framework."""
    parts = []
    for group in groups_of(row):
        framework = short_framework(group["framework"])
        for package_id, text in group["dependencies"]:
            allowed = "" if text == "(, )" else text
            suffix = f":{framework}" if framework else ""
            parts.append(f"{package_id}:{allowed}{suffix}")
        if not group["dependencies"] and framework:
            parts.append(f"::{framework}")
    return "|".join(parts)


def short_framework(name: str) -> str:
    """Return `net45` for `.NETFramework4.5`; other names stay as they are."""
    match = _LONG_FRAMEWORK.match(name.strip())
    if match is None:
        return name.strip()
    short = _SHORT[match[1].lower()]
    return short + (match[2].replace(".", "") if short == "net" else match[2])


def _property(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f'<d:{name} m:type="Edm.Boolean">{str(value).lower()}</d:{name}>'
    if isinstance(value, int):
        return f'<d:{name} m:type="Edm.Int32">{value}</d:{name}>'
    if isinstance(value, datetime):
        return f'<d:{name} m:type="Edm.DateTime">{_moment(value)}</d:{name}>'
    return f'<d:{name} xml:space="preserve">{escape(value)}</d:{name}>'


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _document(root: str) -> str:
    """Return the document, without the characters of texts that XML has no way to write."""
    return _DECLARATION + _FORBIDDEN.sub("", root)
