"""What an upload turned out to be."""

from dataclasses import dataclass, field
from typing import Any

from agent.versions import Version


@dataclass(frozen=True)
class PackageDescription:
    """Identity and metadata of a checked package; the extension is lower case with its dot.

    `metadata` is JSON: of a NuGet package what its nuspec says, else empty.
    """

    package_id: str
    version: Version
    extension: str
    is_semver2: bool
    title: str = ""
    description: str = ""
    tags: str = ""
    package_types: tuple[str, ...] = ("Dependency",)
    metadata: dict[str, Any] = field(default_factory=dict)
