"""What a task may use, frozen when it starts: variables, actions, packages, targets; pure.

It holds secrets in clear, so it is stored sealed as a whole (ExecutionPlan.sealed_variables).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import orjson

from deployments.library.scoping import Candidate

# Whether agents download packages that they have already.
FORCE_PACKAGE_DOWNLOAD: Final = "Octopus.Deployment.ForcePackageDownload"
# What need not be written: most of thousands of values are plain texts.
_USUAL: Final = Candidate._field_defaults


@dataclass(frozen=True, slots=True)
class Value:
    """A text and whether it is a secret."""

    text: str
    is_sensitive: bool = False

    def __repr__(self) -> str:
        return "Value(********)" if self.is_sensitive else f"Value({self.text!r})"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A package of an action with its bytes' address. `name` is empty for the primary one.

    A `fresh` one is downloaded even where an agent has it.
    """

    name: str
    package_id: str
    version: str
    feed_id: str
    extension: str = ""
    sha256: str = ""
    size: int = 0
    extract: bool = True
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class ActionData:
    """The settings of one action, its packages, and why it cannot run if so."""

    properties: Mapping[str, Value] = field(default_factory=dict)
    packages: tuple[PackageFile, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class MachineData:
    """A target as the plan saw it."""

    name: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a token says that is made for each step that uses it."""

    audience: str
    subject: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What a variable gives that names an account or certificate, by what follows its name."""

    parts: Mapping[str, Value] = field(default_factory=dict)
    token: TokenRequest | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that the variables of any execution are made from. Ids are public ids."""

    candidates: tuple[Candidate, ...] = ()
    system: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, ActionData] = field(default_factory=dict)
    machines: Mapping[str, MachineData] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    environment: str | None = None
    channel: str | None = None
    tenant: str | None = None
    tenant_tags: tuple[str, ...] = ()
    process_owner: str | None = None
    project: str | None = None

    @property
    def has_token(self) -> bool:
        """Whether a step may get a token that ends."""
        return any(each.token is not None for each in self.references.values())


def manifest_to_text(manifest: Manifest) -> str:
    """Write the text that manifest_from_text reads; it contains secrets."""
    candidates = [_written(candidate) for candidate in manifest.candidates]
    document = {**asdict(replace(manifest, candidates=())), "candidates": candidates}
    return orjson.dumps(document).decode()


def manifest_from_text(text: str) -> Manifest:
    """Read a stored manifest."""
    document = orjson.loads(text)
    return Manifest(
        **{
            **document,
            "candidates": tuple(_candidate(entry) for entry in document["candidates"]),
            "actions": {key: _action(entry) for key, entry in document["actions"].items()},
            "machines": {
                key: MachineData(entry["name"], tuple(entry["roles"]))
                for key, entry in document["machines"].items()
            },
            "references": {
                key: _reference(entry) for key, entry in document.get("references", {}).items()
            },
            "tenant_tags": tuple(document["tenant_tags"]),
        }
    )


def _written(candidate: Candidate) -> dict[str, Any]:
    """Return what differs from the usual, and what has no usual value."""
    found: dict[str, Any] = {
        name: value
        for name, value in zip(candidate._fields, candidate, strict=True)
        if name not in _USUAL or value != _USUAL[name]
    }
    if not candidate.sealed:
        found.pop("place", None)
    if candidate.scope:
        found["scope"] = {name: sorted(ids) for name, ids in candidate.scope.items()}
    return found


def _candidate(entry: dict[str, Any]) -> Candidate:
    if "scope" in entry:
        entry["scope"] = {name: frozenset(ids) for name, ids in entry["scope"].items()}
    return Candidate(**entry)


def _reference(entry: dict[str, Any]) -> Reference:
    token = entry["token"]
    return Reference(
        parts={name: Value(**value) for name, value in entry["parts"].items()},
        token=TokenRequest(**token) if token else None,
    )


def _action(entry: dict[str, Any]) -> ActionData:
    return ActionData(
        properties={name: Value(**value) for name, value in entry["properties"].items()},
        packages=tuple(PackageFile(**package) for package in entry["packages"]),
        error=entry["error"],
    )
