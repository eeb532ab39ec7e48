"""The files of the repository as the architecture tests see them."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("octopus_site", "deployments", "tenants", "packages_feed", "agent")
APPS = {
    "deployments.base": "base",
    "deployments.access": "access",
    "deployments.audit": "audit",
    "deployments.server_tasks": "server_tasks",
    "deployments.library": "library",
    "deployments.infrastructure": "infrastructure",
    "deployments.projects": "projects",
    "deployments.releases": "releases",
    "deployments.execution": "execution",
    "deployments.gateway": "gateway",
    "deployments.insights": "insights",
    "tenants": "tenants",
    "packages_feed": "packages_feed",
}


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root, its text and its syntax tree."""

    path: str
    text: str

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def is_test(self) -> bool:
        return self.path.startswith(("tests/", "benchmarks/"))

    def tree(self) -> ast.Module:
        return _parse(self.path, self.text)

    def imports(self) -> Iterator[str]:
        """Yield the dotted name of everything imported, wherever it stands."""
        for node in ast.walk(self.tree()):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _parse(path: str, text: str) -> ast.Module:
    return ast.parse(text, path)


@cache
def repository_files() -> tuple[str, ...]:
    """Return the paths of all files that are, or would be, in the repository."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = listing.stdout.decode().split("\0")
    return tuple(sorted(name for name in names if name and (ROOT / name).is_file()))


@cache
def modules() -> tuple[Module, ...]:
    """Return every Python file except migrations, which are generated."""
    return tuple(
        Module(name, (ROOT / name).read_text(encoding="utf-8"))
        for name in repository_files()
        if name.endswith(".py") and "/migrations/" not in name
    )


def code_modules() -> tuple[Module, ...]:
    """Return the modules of the product."""
    return tuple(module for module in modules() if module.path.startswith(PACKAGES))
