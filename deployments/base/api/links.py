"""Paths and link templates (RFC 6570) of resources."""

from urllib.parse import quote

from deployments.base.models import Space

ROOT = "/api"


def space_path(space: Space | str, *segments: str) -> str:
    """Return `/api/Spaces-1/projects/Projects-1`."""
    public_id = space if isinstance(space, str) else space.public_id
    return system_path(public_id, *segments)


def system_path(*segments: str) -> str:
    """Return `/api/users/Users-1`."""
    return "/".join((ROOT, *(quote(segment, safe="") for segment in segments)))


def with_query(path: str, *names: str) -> str:
    """Return the path with a template of query names: `path{?skip,take}`."""
    return f"{path}{{?{','.join(names)}}}"
