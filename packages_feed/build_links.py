"""What follows from build information: links to commits and work items; pure.

Only addresses with http or https become links; a root without one (scp or ssh form) counts as the
web address of the same host.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

_SCP: Final = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!/)([\w./~-]+)\Z")
_ISSUE: Final = re.compile(r"(?<![\w/&#])#([1-9][0-9]{0,8})\b")
_COMMIT: Final = re.compile(r"[0-9a-fA-F]{7,64}\Z")
_MOST_TEXT: Final = 10_000
_MOST_TITLE: Final = 200


def safe_url(text: str | None) -> str | None:
    """Return the address when a browser may follow it."""
    try:
        parts = urlsplit((text or "").strip())
    except ValueError:
        return None
    return parts.geturl() if parts.scheme in {"http", "https"} and parts.hostname else None


def without_credentials(root: str | None) -> str | None:
    """Return a repository's address without the name and password in it."""
    try:
        parts = urlsplit(root or "")
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or "@" not in parts.netloc:
        return root
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@lru_cache(maxsize=256)
def web_root(root: str | None) -> str | None:
    """Return where a repository is looked at; None when that cannot be told."""
    text = (root or "").strip().removesuffix("/").removesuffix(".git")
    if match := _SCP.match(text):
        return f"https://{match[1]}/{match[2]}"
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    if not host or not parts.path.strip("/"):
        return None
    if parts.scheme in {"ssh", "git"}:
        return f"https://{host}{parts.path}"
    if parts.scheme not in {"http", "https"}:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def commit_url(root: str | None, commit: str | None) -> str | None:
    """Return the address of a commit."""
    base = web_root(root)
    if base is None or not _COMMIT.match(commit or ""):
        return None
    word = "commits" if "bitbucket" in base.partition("//")[2].partition("/")[0] else "commit"
    return f"{base}/{word}/{quote(commit or '')}"


def work_items(root: str | None, commits: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the issues that comments name as `#12`, each once, in the order of their mention.

    The description is the first line of the first comment about it.
    """
    found: dict[str, dict[str, Any]] = {}
    base = web_root(root)
    for commit in commits:
        comment = str(commit.get("Comment") or "")[:_MOST_TEXT]
        for number in _issues(comment):
            first = comment.strip().partition("\n")[0].strip()[:_MOST_TITLE]
            link = f"{base}/issues/{number}" if base and "/_git/" not in base else None
            found.setdefault(
                number,
                {"Id": f"#{number}", "LinkUrl": link, "Source": "Commits", "Description": first},
            )
    return list(found.values())


def told(document: Mapping[str, Any], *, most_commits: int | None = None) -> dict[str, Any]:
    """Return a build's document with links and work items; the wire's names.

    With `most_commits` the newest are kept and `IncompleteDataWarning` says so.
    """
    commits = [each for each in document.get("Commits") or () if isinstance(each, Mapping)]
    root = document.get("VcsRoot")
    kept = commits[:most_commits]
    warning = None
    if len(kept) < len(commits):
        warning = f"Only {len(kept)} of {len(commits)} commits are kept with the release."
    return {
        **document,
        "BuildUrl": safe_url(document.get("BuildUrl")),
        "VcsCommitUrl": commit_url(root, document.get("VcsCommitNumber")),
        "Commits": [
            {
                "Id": str(each.get("Id") or ""),
                "LinkUrl": commit_url(root, each.get("Id")),
                "Comment": str(each.get("Comment") or ""),
            }
            for each in kept
        ],
        "WorkItems": work_items(root, commits),
        "IssueTrackerName": None,
        "IncompleteDataWarning": warning,
    }


def _issues(comment: str) -> Iterator[str]:
    yield from (match[1] for match in _ISSUE.finditer(comment))
