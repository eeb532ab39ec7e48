"""The manifest of a NuGet package."""

from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from agent.versions import InvalidVersion, InvalidVersionRange, Version, VersionRange, is_package_id
from deployments.base.errors import Invalid
from packages_feed.ingest.description import PackageDescription

_TEXTS = {
    "authors": "authors",
    "owners": "owners",
    "summary": "summary",
    "releaseNotes": "release_notes",
    "copyright": "copyright",
    "language": "language",
    "projectUrl": "project_url",
    "iconUrl": "icon_url",
    "licenseUrl": "license_url",
    "icon": "icon",
    "readme": "readme",
}
_MOST_DEPENDENCIES = 2000
_MOST_TITLE = 1000


def read_nuspec(content: bytes) -> PackageDescription:
    """Return what the manifest says; raises Invalid."""
    metadata = _metadata(content)
    fields = {_local(child): child for child in metadata}
    package_id = _text(fields, "id")
    if not is_package_id(package_id):
        raise Invalid(f"{package_id[:100]!a} cannot be the id of a package.")
    try:
        version = Version.parse(_text(fields, "version"))
    except InvalidVersion as error:
        raise Invalid(f"The version of the package: {error}") from error
    groups = _dependency_groups(fields.get("dependencies"))
    types = [each.get("name", "") for each in _children(fields.get("packageTypes"), "packageType")]
    return PackageDescription(
        package_id=package_id,
        version=version,
        extension=".nupkg",
        is_semver2=version.is_semver2 or _needs_semver2(groups),
        title=_text(fields, "title")[:_MOST_TITLE],
        description=_text(fields, "description"),
        tags=" ".join(_text(fields, "tags").replace(",", " ").split()),
        package_types=tuple(name for name in types if name) or ("Dependency",),
        metadata={
            **{key: _text(fields, name) for name, key in _TEXTS.items() if _text(fields, name)},
            **_flags(fields, metadata),
            "dependency_groups": groups,
        },
    )


def _metadata(content: bytes) -> Element:
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Invalid("The .nuspec has a document type, which is not allowed.") from error
    except (ParseError, ValueError, LookupError) as error:
        raise Invalid("The .nuspec is not well-formed XML.") from error
    found = _children(root, "metadata")
    if _local(root) != "package" or len(found) != 1:
        raise Invalid("The .nuspec has no metadata.")
    return found[0]


def _flags(fields: dict[str, Element], metadata: Element) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    for name, key in (
        ("requireLicenseAcceptance", "require_license_acceptance"),
        ("developmentDependency", "development_dependency"),
    ):
        if _text(fields, name).lower() == "true":
            flags[key] = True
    license_element = fields.get("license")
    kind = license_element.get("type", "") if license_element is not None else ""
    if kind in {"expression", "file"} and _text(fields, "license"):
        flags[f"license_{kind}"] = _text(fields, "license")
    if minimum := metadata.get("minClientVersion"):
        flags["min_client_version"] = minimum
    return flags


def _dependency_groups(element: Element | None) -> list[dict[str, Any]]:
    """Return groups of `framework` and `dependencies` ([id, range]); a flat list is one group."""
    groups = [
        {"framework": group.get("targetFramework", ""), "dependencies": _dependencies(group)}
        for group in _children(element, "group")
    ]
    flat = _dependencies(element)
    if flat:
        groups.insert(0, {"framework": "", "dependencies": flat})
    return groups


def _dependencies(element: Element | None) -> list[list[str]]:
    found = _children(element, "dependency")
    if len(found) > _MOST_DEPENDENCIES:
        raise Invalid(f"The package has more than {_MOST_DEPENDENCIES} dependencies.")
    dependencies = []
    for each in found:
        package_id, text = each.get("id", ""), each.get("version", "").strip()
        if not is_package_id(package_id):
            raise Invalid(f"{package_id[:100]!a} cannot be the id of a dependency.")
        try:
            allowed = VersionRange.parse(text).normalized if text else "(, )"
        except InvalidVersionRange as error:
            raise Invalid(f"The dependency on {package_id}: {error}") from error
        dependencies.append([package_id, allowed])
    return dependencies


def _needs_semver2(groups: list[dict[str, Any]]) -> bool:
    for group in groups:
        for _, text in group["dependencies"]:
            for interval in VersionRange.parse(text).intervals:
                bounds = (interval.minimum, interval.maximum)
                if any(bound is not None and bound.is_semver2 for bound in bounds):
                    return True
    return False


def _children(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else [child for child in element if _local(child) == name]


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(fields: dict[str, Element], name: str) -> str:
    element = fields.get(name)
    return (element.text or "").strip() if element is not None else ""
