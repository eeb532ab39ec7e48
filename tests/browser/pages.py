"""Every page of the portal by a name, and its address in a server with the sample's data."""

from typing import Any

from tests.support.server import OctopusServer

_SPACE = "/app/Spaces-1"

# Name -> whether it is looked at on a phone as well.
PAGES = {
    "dashboard": True,
    "search": False,
    "project": True,
    "releases": False,
    "release": True,
    "release-create": True,
    "deploy": True,
    "tasks": True,
    "task-failed": True,
    "task-running": True,
    "task-succeeded": False,
    "task-question": True,
}


def find_addresses(server: OctopusServer) -> dict[str, str]:
    """Return the address of each page."""
    return {**_FIXED, **_of_tasks(server)}


_CHECKOUT = f"{_SPACE}/projects/checkout-api"
_WEB = f"{_SPACE}/projects/storefront-web"
_FIXED = {
    "dashboard": f"{_SPACE}/dashboard",
    "search": f"{_SPACE}/search?q=we",
    "project": _CHECKOUT,
    "releases": f"{_CHECKOUT}/releases",
    "release": f"{_CHECKOUT}/releases/4.13.0",
    "release-create": f"{_CHECKOUT}/releases/create",
    "deploy": f"{_WEB}/releases/7.3.0/deploy?environment=production",
    "tasks": f"{_SPACE}/tasks",
}


def _of_tasks(server: OctopusServer) -> dict[str, str]:
    def first(state: str, *, waits: bool = False) -> str:
        found: Any = server.call("GET", f"/api/Spaces-1/tasks?states={state}&take=30")
        ids = [row["Id"] for row in found["Items"] if row["HasPendingInterruptions"] is waits]
        return f"{_SPACE}/tasks/{ids[0]}"

    return {
        "task-failed": first("Failed"),
        "task-running": first("Executing"),
        "task-succeeded": first("Success"),
        "task-question": first("Executing", waits=True),
    }
