"""What this server is made of, with licences, as the installed packages say themselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Final

from packaging.requirements import Requirement

_OURS: Final = "octopus-deployment-server"
_CLASSIFIER: Final = "License :: OSI Approved :: "
_LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Licence:
    """One package that is used."""

    name: str
    version: str
    licence: str
    home: str


@cache
def licences() -> tuple[Licence, ...]:
    """Return the server's package and all that it needs, by name."""
    found = {each.name.lower(): each for each in _needed(_OURS, frozenset({"server"}))}
    return tuple(found[name] for name in sorted(found))


def _needed(name: str, extras: frozenset[str]) -> Iterator[Licence]:
    waiting, seen = [(name, extras)], set()
    while waiting:
        name, extras = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower(), extras
        if key in seen:
            continue
        seen.add(key)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another system, by a marker that names it in words of its own
        yield _described(package)
        for text in package.requires or ():
            needed = Requirement(text)
            if _applies(needed, extras):
                waiting.append((needed.name, frozenset(needed.extras)))


def _applies(needed: Requirement, extras: frozenset[str]) -> bool:
    if needed.marker is None:
        return True
    return any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _described(package: Distribution) -> Licence:
    said = package.metadata
    known = [str(text) for text in said.get_all("Classifier") or ()]
    approved = [text.removeprefix(_CLASSIFIER) for text in known if text.startswith(_CLASSIFIER)]
    lines = _said(package, "License").strip().splitlines()
    words = lines[0] if lines and len(lines[0]) <= _LONGEST else ""
    licence = _said(package, "License-Expression") or ", ".join(approved) or words
    return Licence(str(said["Name"]), package.version, licence or "not said", _home(package))


def _said(package: Distribution, name: str) -> str:
    return next((str(text) for text in package.metadata.get_all(name) or ()), "")


def _home(package: Distribution) -> str:
    """Return the address of the project, when it is one of the web."""
    said = package.metadata
    addresses = [_said(package, "Home-page")]
    for text in said.get_all("Project-URL") or ():
        label, _, address = str(text).partition(",")
        if label.strip().lower() in {"homepage", "home", "source", "repository", "source code"}:
            addresses.append(address.strip())
    return next((text for text in addresses if text.startswith("https://")), "")
