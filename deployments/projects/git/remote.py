"""Asking a Git repository for its references: one request, to an address that was checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployments.access.services.request_settings import allows_loopback
from deployments.projects.git.advertisement import Malformed, references_in
from packages_feed.sources import FeedPlace, SourceFailed
from packages_feed.sources.web import FeedClient

# Hosts take any name beside a token, but not none.
_ANYBODY = "git"


@dataclass(frozen=True, slots=True, repr=False)
class Repository:
    """Where a repository is, and how to sign in there."""

    uri: str
    username: str = ""
    password: str = ""


def references_of(repository: Repository) -> Mapping[str, str]:
    """Return object ids by full names of references; raises SourceFailed, which says why not."""
    name = repository.username or (_ANYBODY if repository.password else "")
    client = FeedClient(
        FeedPlace(
            "Git", repository.uri, name, repository.password, allow_loopback=allows_loopback()
        )
    )
    # Some hosts show their website to whoever does not look like Git.
    client.sign_in_with({"User-Agent": "git/2 (Octopus)"})
    url = f"{repository.uri.rstrip('/')}/info/refs?service=git-upload-pack"
    try:
        return references_in(client.read(url, "application/x-git-upload-pack-advertisement"))
    except Malformed as error:
        raise SourceFailed(f"{urlsplit(repository.uri).netloc} cannot be read: {error}.") from error
