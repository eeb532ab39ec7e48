"""The addresses of packages, absolute as clients want them."""

from packages_feed.models import PackageVersion
from packages_feed.nuget.base import FeedRequest
from packages_feed.nuget.rows import normalized


def registration_url(feed: FeedRequest, package_id: str) -> str:
    """Return the address of what is known of a package."""
    return f"{feed.base}/v3/registrations/{package_id.lower()}/index.json"


def content_url(feed: FeedRequest, row: PackageVersion) -> str:
    """Return the address of the package's file for V3 clients."""
    number = normalized(row).lower()
    return f"{feed.base}/v3/flat/{row.id_lower}/{number}/{row.id_lower}.{number}.nupkg"


def download_url(feed: FeedRequest, row: PackageVersion) -> str:
    """Return the address of the package's file for V2 clients."""
    return f"{feed.base}/package/{row.package_id}/{normalized(row)}"


def icon_url(feed: FeedRequest, row: PackageVersion) -> str:
    """Return the address of the icon: the package's own, else the one that it names."""
    if row.metadata.get("icon"):
        return f"{feed.base}/v3/flat/{row.id_lower}/{normalized(row).lower()}/icon"
    return web_url(row.metadata.get("icon_url", ""))


def web_url(text: str) -> str:
    """Return the address if it is one of the web, else nothing: it will be shown as a link."""
    return text if text.lower().startswith(("http://", "https://")) else ""
