"""The kinds of external feeds, what each needs, and the source for a place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from deployments.base.errors import Invalid
from packages_feed.sources.base import FeedPlace, Source, SourceFailed
from packages_feed.sources.docker import DockerRegistry
from packages_feed.sources.folder import Folder, is_folder, require_folder
from packages_feed.sources.github import GitHub
from packages_feed.sources.maven import Maven
from packages_feed.sources.nuget_v2 import NuGetV2
from packages_feed.sources.nuget_v3 import NuGetV3

NUGET, DOCKER, MAVEN, GITHUB, S3 = "NuGet", "Docker", "Maven", "GitHub", "S3"
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its name on the wire and for people, and how its ids and addresses look.

    `settings` are its own settings; packages of a kind that is not `fetched` are left to targets.
    """

    name: str
    label: str
    make: Callable[[FeedPlace], Source]
    id_form: str
    uri_example: str
    uri_default: str = ""
    needs_uri: bool = True
    user_label: str = "User name"
    password_label: str = "Password or API key"  # noqa: S105 a label
    settings: tuple[str, ...] = ()
    is_fetched: bool = True


def _nuget(place: FeedPlace) -> Source:
    if is_folder(place.uri):
        return Folder(place)
    is_third = urlsplit(place.uri).path.lower().endswith(".json")
    return NuGetV3(place) if is_third else NuGetV2(place)


def _s3(place: FeedPlace) -> Source:
    # Here, because every process starts faster without.
    from packages_feed.sources.s3 import S3Bucket  # noqa: PLC0415 loads boto3

    return S3Bucket(place)


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(
            NUGET,
            "NuGet feed or folder of packages",
            _nuget,
            "Acme.Web",
            "https://api.nuget.org/v3/index.json",
        ),
        Kind(
            MAVEN,
            "Maven repository",
            Maven,
            "group:artifact[:packaging[:classifier]]",
            "https://repo.maven.apache.org/maven2",
        ),
        Kind(
            DOCKER,
            "Container registry",
            DockerRegistry,
            "acme/web",
            "https://registry.example.com",
            uri_default="https://index.docker.io",
            settings=("RegistryPath",),
            is_fetched=False,
        ),
        Kind(
            GITHUB,
            "GitHub repositories",
            GitHub,
            "owner/repository",
            "https://api.github.com",
            uri_default="https://api.github.com",
            password_label="Password or token",  # noqa: S106 a label
        ),
        Kind(
            S3,
            "S3 bucket",
            _s3,
            "bucket/folder/Acme.Web",
            "https://s3.example.com, empty for Amazon",
            needs_uri=False,
            user_label="Access key",
            password_label="Secret key",  # noqa: S106 a label
            settings=("Region",),
        ),
    )
}


def source_at(place: FeedPlace) -> Source:
    """Return what can be asked there; raises SourceFailed for a kind that is not known."""
    kind = KINDS.get(place.feed_type)
    if kind is None:
        raise SourceFailed(f"Feeds of the type {place.feed_type} cannot be asked.")
    return kind.make(place)


def require_place(place: FeedPlace) -> None:
    """Raise Invalid unless the address can be one of the kind; nothing is asked."""
    kind = KINDS[place.feed_type]
    if place.feed_type == NUGET and is_folder(place.uri):
        try:
            require_folder(place.uri, place.folders)
        except SourceFailed as error:
            raise _wrong(error.message) from error
        return
    if not place.uri and not kind.needs_uri:
        return
    if len(place.uri) > _LONGEST:
        raise _wrong(f"An address has at most {_LONGEST} characters.")
    try:
        parts = urlsplit(place.uri)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or any(letter.isspace() or not letter.isprintable() for letter in place.uri):
        raise _wrong(f"The address must be one of http or https, such as {kind.uri_example}.")
    if parts.username is not None or parts.query or parts.fragment:
        raise _wrong("The address has no credentials, query or fragment; those have own fields.")


def _wrong(text: str) -> Invalid:
    return Invalid(fields={"FeedUri": [text]})
