"""What a release knows of the builds of its packages, frozen with it, and as variables; pure
but for one query.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from deployments.base.models import Space
from packages_feed.build_links import told
from packages_feed.queries import build_information_for

_MOST_COMMITS: Final = 200
_OPENING: Final = re.compile(r"#+\{")
_STORY: Final = (
    "BuildEnvironment",
    "BuildNumber",
    "BuildUrl",
    "Branch",
    "VcsType",
    "VcsRoot",
    "VcsCommitNumber",
    "VcsCommitUrl",
)


def builds_of(space: Space, packages: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return what is known now of pairs of package id and version, each pair once; one query."""
    pairs = list(dict.fromkeys(packages))
    known = build_information_for(space, pairs)
    return [
        {
            "PackageId": known[pair].package_id,
            "Version": known[pair].version,
            **told(known[pair].document, most_commits=_MOST_COMMITS),
        }
        for pair in pairs
        if pair in known
    ]


def work_items_of(builds: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the work items of all builds, each once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for build in builds:
        for item in build.get("WorkItems") or ():
            found.setdefault((item["Id"], item.get("LinkUrl") or ""), item)
    return list(found.values())


def build_variables(
    packages: Sequence[tuple[str, str]], builds: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return what a template of release notes may read: packages, builds and work items.

    All packages are there, those without build information with id and version only. Packages of
    the same build share an entry of `Octopus.Release.Builds`.
    """
    values: dict[str, str] = {}
    by_pair = {(str(b["PackageId"]).lower(), b["Version"]): b for b in builds}
    for number, (package_id, version) in enumerate(dict.fromkeys(packages)):
        name = f"Octopus.Release.Package[{number}]"
        values |= {f"{name}.PackageId": package_id, f"{name}.Version": version}
        if build := by_pair.get((package_id.lower(), version)):
            values |= commits_variables(name, build["Commits"]) | items_variables(
                name, build["WorkItems"]
            )
    together: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for build in builds:
        together.setdefault(tuple(literal(build.get(key)) for key in _STORY), []).append(build)
    for number, (story, members) in enumerate(together.items()):
        name = f"Octopus.Release.Builds[{number}]"
        values |= {f"{name}.{key}": text for key, text in zip(_STORY, story, strict=True)}
        for place, member in enumerate(members):
            values[f"{name}.Packages[{place}].PackageId"] = str(member["PackageId"])
            values[f"{name}.Packages[{place}].Version"] = str(member["Version"])
    return values | items_variables("Octopus.Release", work_items_of(builds))


def literal(text: Any) -> str:
    """Return a text so that an expression in it is shown and not evaluated."""
    return _OPENING.sub(_doubled, str(text or ""))


def _doubled(match: re.Match[str]) -> str:
    # An even number of signs is text; the language takes one of them away.
    return match[0] if len(match[0]) % 2 else f"#{match[0]}"


def commits_variables(name: str, commits: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the commits as a list below the name."""
    values = {}
    for place, commit in enumerate(commits):
        entry = f"{name}.Commits[{place}]"
        values[f"{entry}.CommitId"] = literal(commit.get("Id"))
        values[f"{entry}.LinkUrl"] = literal(commit.get("LinkUrl"))
        values[f"{entry}.Comment"] = literal(commit.get("Comment"))
    return values


def items_variables(name: str, items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the work items as a list below the name."""
    return {
        f"{name}.WorkItems[{place}].{key}": literal(item.get(key))
        for place, item in enumerate(items)
        for key in ("Id", "LinkUrl", "Description")
    }


def story_variables(name: str, build: Mapping[str, Any]) -> dict[str, str]:
    """Return where a package was built, from what, below the name."""
    return {f"{name}.{key}": literal(build.get(key)) for key in ("PackageId", "Version", *_STORY)}
