"""The filter of triggers that watch a Git repository; pure."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import urlsplit

from deployments.projects.triggers.reading import texts_of, wrong

GIT: Final = "GitFilter"
BRANCHES: Final = "refs/heads/"
TAGS: Final = "refs/tags/"
_LONGEST_URI: Final = 2000
_LONGEST: Final = 200
_MOST_PATTERNS: Final = 20
_SHORT: Final = 10
_TOLD: Final = 50


def checked_git_filter(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filter as it is kept, without a password. Raises Invalid.

    `Sources` is there for clients of Octopus: steps here take nothing from Git.
    """
    uri = str(document.get("RepositoryUri") or "").strip()
    if not uri or len(uri) > _LONGEST_URI:
        raise wrong("RepositoryUri", "RepositoryUri needs the address of a Git repository.")
    try:
        parts = urlsplit(uri)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web or parts.query or parts.fragment:
        text = "The address of the repository must begin with https:// or http://."
        raise wrong("RepositoryUri", text)
    if "@" in parts.netloc:
        text = "Give the user name and the password in their own fields, not in the address."
        raise wrong("RepositoryUri", text)
    username = str(document.get("Username") or "").strip()
    if len(username) > _LONGEST:
        raise wrong("Username", f"Username has at most {_LONGEST} characters.")
    kept = {name: _patterns(document, name) for name in ("Branches", "Tags")}
    if not kept["Branches"] and not kept["Tags"]:
        raise wrong("Branches", "Say which branches or tags count; * means all.")
    return {"RepositoryUri": uri, "Username": username, **kept, "Sources": []}


def fitting(document: Mapping[str, Any], references: Mapping[str, str]) -> dict[str, str]:
    """Return those references that the filter watches."""
    kinds = ((BRANCHES, document["Branches"]), (TAGS, document["Tags"]))
    return {
        name: object_id
        for name, object_id in references.items()
        for prefix, patterns in kinds
        if name.startswith(prefix)
        and any(fnmatchcase(name.removeprefix(prefix), each) for each in patterns)
    }


def news(seen: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of references that are new or have moved; what is gone is no news."""
    return [name for name, object_id in now.items() if seen.get(name) != object_id]


def news_in_words(document: Mapping[str, Any], names: Sequence[str], now: Mapping[str, str]) -> str:
    """Say in a line what is new."""
    name = names[0]
    kind = "tag" if name.startswith(TAGS) else "branch"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"The {kind} {short(name)} of {_place(document)} is at {now[name][:_SHORT]}{more}"


def news_as_notes(
    document: Mapping[str, Any],
    names: Sequence[str],
    seen: Mapping[str, str],
    now: Mapping[str, str],
) -> str:
    """Return notes for a release that is created because of this, in Markdown."""
    lines = [
        f"- `{name}`: {now[name]}{f', before {seen[name]}' if name in seen else ''}"
        for name in names[:_TOLD]
    ]
    if len(names) > _TOLD:
        lines.append(f"- and {len(names) - _TOLD} more")
    return "\n".join((f"New in {document['RepositoryUri']}:", "", *lines))


def short(name: str) -> str:
    """Return the name of a branch or tag without what says which of both it is."""
    return name.removeprefix(BRANCHES).removeprefix(TAGS)


def _place(document: Mapping[str, Any]) -> str:
    parts = urlsplit(document["RepositoryUri"])
    return f"{parts.netloc}{parts.path.rstrip('/').removesuffix('.git')}"


def _patterns(document: Mapping[str, Any], name: str) -> list[str]:
    patterns = texts_of(document, name)
    if len(patterns) > _MOST_PATTERNS or any(len(each) > _LONGEST for each in patterns):
        text = f"{name} has at most {_MOST_PATTERNS} patterns of at most {_LONGEST} characters."
        raise wrong(name, text)
    return patterns
