"""Ids of the documents that hang on a project: `variableset-Projects-1` and the like."""

from django.urls import register_converter

from deployments.base import public_ids


class OwnedIdConverter:
    """The id of a project's document, not that of a snapshot (which has `-s-` in it)."""

    regex = r"(?:(?!-[sS]-)[^/])+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: object) -> str:
        return str(value)


class LibraryVariablesConverter(OwnedIdConverter):
    """The id of a library set's values, not that of a snapshot."""

    regex = r"variableset-libraryvariablesets-[0-9]+"


class LibrarySnapshotConverter(OwnedIdConverter):
    """The id of a snapshot of a library set's values."""

    regex = r"variableset-libraryvariablesets-[0-9]+-s-[^/]+"


register_converter(OwnedIdConverter, "owned")
register_converter(LibraryVariablesConverter, "libraryvariables")
register_converter(LibrarySnapshotConverter, "librarysnapshot")


def project_number(kind: str, text: str) -> int | None:
    """Return 1 for `variableset-Projects-1` when the kind is `variableset`, ignoring case."""
    prefix = f"{kind}-"
    if not text.lower().startswith(prefix):
        return None
    return public_ids.parse("Projects", text[len(prefix) :])
