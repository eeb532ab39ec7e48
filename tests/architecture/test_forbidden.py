"""Things that must not stand in the code, each with the place where it may."""

import ast
import re
import sys
from pathlib import PurePosixPath

import pytest

from tests.architecture.tree import PACKAGES, ROOT, code_modules, repository_files

# What, and the only files that may have it.
PATTERNS: dict[str, tuple[str, ...]] = {
    r"select_for_update": (),
    r"\bredis\.(asyncio\.)?Redis\(": ("deployments/base/redis.py",),
    r"\bRedis\.from_url\(": ("deployments/base/redis.py",),
    r"\bdatetime\.(now|utcnow|today)\(": ("deployments/base/clock.py",),
    r"\btimezone\.now\b": (),
    r"\bglobals\(\)|\beval\(": (),
    r"\bmark_safe\(": ("deployments/base/web/markdown.py",),
    r"\bcsrf_exempt\b": ("octopus_site/", "packages_feed/", "deployments/access/"),
    r"pytest\.skip|pytest\.mark\.skip|unittest\.skip": (),
    r"raise NotImplementedError": (),
    r"(?i)\bcoming soon\b|\bnot yet implemented\b": (),
    r"\b(TODO|FIXME|XXX|HACK)\b": (),
}
# The agent's clock is the machine's own.
AGENT_MAY = (r"\bdatetime\.(now|utcnow|today)\(",)
AGENT_LIBRARIES = {"websockets"}
# What a part of the agent uses where it is installed, and does without elsewhere.
WHERE_THERE_IS = {
    f"agent/language/filters/{name}.py": {"markdown_it"}
    for name in ("markdown", "markdown_links", "markdown_tables")
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_code_has_none_of(pattern: str) -> None:
    found = [
        f"{module.path}:{number}"
        for module in code_modules()
        if not module.path.startswith(PATTERNS[pattern] or ("-",))
        and not (module.path.startswith("agent/") and pattern in AGENT_MAY)
        for number, line in enumerate(module.text.splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not found


def test_the_agent_needs_the_standard_library_and_websockets_only() -> None:
    allowed = {*sys.stdlib_module_names, *AGENT_LIBRARIES, "agent"}
    found = {
        f"{module.path}: {name}"
        for module in code_modules()
        if module.path.startswith("agent/")
        for name in module.imports()
        if name.split(".")[0] not in allowed | WHERE_THERE_IS.get(module.path, set())
    }
    assert not found


def test_the_kernel_is_free_of_input_and_output() -> None:
    """Messages, language and versions are pure: they are used on both sides of the wire."""
    forbidden = {"asyncio", "socket", "subprocess", "urllib", "http", "logging", "threading"}
    kernel = ("agent/contracts/", "agent/language/", "agent/versions/", "agent/patterns/")
    found = {
        f"{module.path}: {name}"
        for module in code_modules()
        if module.path.startswith(kernel)
        for name in module.imports()
        if name.split(".")[0] in forbidden and not name.startswith("urllib.parse")
    }
    assert not found


def test_models_and_queries_neither_write_nor_reach_upwards() -> None:
    found = {
        f"{module.path}: {name}"
        for module in code_modules()
        if re.search(r"/(models|queries)(/|\.py)", module.path)
        for name in module.imports()
        if re.search(r"\.(services|tasks|api|web)(\.|$)", name)
        and name.split(".")[0] in PACKAGES
        and not name.startswith("deployments.base.")
    }
    assert not found


def test_no_lazy_model_reference_points_upwards() -> None:
    """A foreign key by string is invisible to import-linter; only `self` and the user may be."""
    found = [
        f"{module.path}:{node.lineno} {node.args[0].value}"
        for module in code_modules()
        if "/models" in module.path
        for node in ast.walk(module.tree())
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"ForeignKey", "OneToOneField", "ManyToManyField"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and "." in node.args[0].value
        and not _points_down(module.path, node.args[0].value)
    ]
    assert not found


# From the lowest floor to the highest.
FLOORS = (
    "base",
    "access",
    "audit",
    "server_tasks",
    "library",
    "infrastructure",
    "packages_feed",
    "projects",
    "tenants",
    "releases",
    "execution",
    "gateway",
    "insights",
)


def _points_down(path: str, target: str) -> bool:
    parts = PurePosixPath(path).parts
    source = parts[1] if parts[0] == "deployments" else parts[0]
    label = target.split(".", maxsplit=1)[0]
    return label not in FLOORS or FLOORS.index(label) <= FLOORS.index(source)


# Written in pieces, so that this file does not contain what it forbids.
WORDS = (
    "/wor" + "k/",
    "/roo" + "t/",
    "registry." + "npmjs",
    "pypi." + "org",
    "files." + "pythonhosted",
    "deb." + "debian",
    "/tmp" + "/team",
)
BINARY = {".png", ".zip", ".nupkg", ".gz", ".ico", ".woff2"}


@pytest.mark.parametrize("word", WORDS)
def test_the_repository_names_no_machine_and_no_registry(word: str) -> None:
    found = [
        name
        for name in repository_files()
        if PurePosixPath(name).suffix not in BINARY
        and word in (ROOT / name).read_text(encoding="utf-8", errors="replace")
    ]
    assert not found
