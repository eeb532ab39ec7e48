"""Texts that mean something to a database, a shell, a serializer or a regular expression."""

import ast
import shlex
from typing import Any

import pytest
from django.urls import resolve

from deployments.access.models import User
from deployments.infrastructure.installer import install_command
from tests.architecture.tree import Module, code_modules
from tests.deployments.access.matrix import make_matrix_world
from tests.deployments.access.test_matrix import ROUTES, address
from tests.deployments.calls import S, send
from tests.factories import make_ana
from tests.factories.domain import make_environment
from tests.factories.people import as_person

ODD = "x') OR '1'='1\"; DROP TABLE access_user; -- %_\\[]{}()*+?^$|"
SERVER_LISTS = ("/api/users", "/api/spaces", "/api/teams", "/api/userroles", "/api/events")


def filters_of(path: str) -> list[str]:
    """Return what the list at a path may be asked for, but for its page."""
    view_set: Any = resolve(path).func.cls  # type: ignore[attr-defined]  # a view set
    return [name for name in view_set.query_names if name not in {"skip", "take"}]


@pytest.mark.django_db
def test_filters_are_values_and_never_sql() -> None:
    """One filter at a time, since the first that is refused hides the others."""
    world = make_matrix_world()
    client = as_person(User.objects.get(username="ana")).api
    lists = [
        address(world, route).partition("?")[0]
        for route in ROUTES
        if route["call"].startswith("GET ") and route["kind"] == "list"
    ]
    asked = {(path, name) for path in (*lists, *SERVER_LISTS) for name in filters_of(path)}
    wrong = []
    for path, name in sorted(asked):
        answer = client.get(path, {name: ODD})
        if answer.status_code not in {200, 400, 404}:
            wrong.append(f"{path} {name}: {answer.status_code}")
    assert not wrong
    assert {"ids", "partialName", "projects", "regarding"} <= {name for _, name in asked}


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["%", "_", "\\", "'"])
def test_signs_of_a_pattern_are_text_in_a_search(text: str) -> None:
    ana = make_ana()
    make_environment("Plain")
    make_environment(f"With {text} inside")
    found = ana.api.get(f"{S}/environments", {"partialName": text}).json()
    assert [row["Name"] for row in found["Items"]] == [f"With {text} inside"]


@pytest.mark.django_db
def test_types_that_a_body_names_are_text() -> None:
    """Nothing is made of them, neither when they come nor when they are read again."""
    ana = make_ana()
    typed = {"$type": "System.Diagnostics.Process, System", "__class__": "os.system", "a": "!!x"}
    body = {"Name": "Typed", "ExtensionSettings": [{"ExtensionId": "jira", "Values": typed}]}
    status, environment = send(ana, "post", f"{S}/environments", body)
    assert status == 201
    assert send(ana, "get", f"{S}/environments/{environment['Id']}")[0] == 200


def test_no_object_is_made_from_bytes() -> None:
    """Pickles and their kin run what they hold; YAML of types does too."""
    makers = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "yaml", "cloudpickle"}
    found = {
        f"{module.path}: {name}"
        for module in code_modules()
        if any(name in module.text for name in makers)
        for name in module.imports()
        if name.split(".")[0] in makers
    }
    assert not found


# Patterns made of constants of ours, or of a route's own.
OWN_PATTERNS = {
    "octopus_site/api/mounting.py",
    "agent/contracts/messages/checks.py",
    "agent/versions/file_names.py",
    "agent/versions/masks.py",
    "agent/language/characters.py",
    "agent/language/names.py",
    "agent/runtime/documents/xml/reader.py",
    "agent/runtime/documents/xml/xpath_tokens.py",
    "agent/language/checking.py",
    "agent/language/parser.py",
    "agent/language/reading.py",
    "agent/language/json_values/reading.py",
    "agent/language/filters/versions.py",
}
RE_FUNCTIONS = {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall"}


def uncertain_patterns(module: Module) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(module.tree())
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in RE_FUNCTIONS | {"finditer"}
        and ast.unparse(node.func.value) == "re"
        and not all(isinstance(part, ast.Constant) for part in _parts(node.args[0]))
    ]


def _parts(pattern: ast.expr) -> list[ast.expr]:
    if isinstance(pattern, ast.BinOp):
        return [*_parts(pattern.left), *_parts(pattern.right)]
    return [pattern]


def test_patterns_that_people_write_never_reach_the_engine_that_backtracks() -> None:
    """They go through agent.patterns, whose time grows with the text alone."""
    found = {
        module.path
        for module in code_modules()
        if "import re" in module.text
        if uncertain_patterns(module)
    }
    assert found == OWN_PATTERNS


@pytest.mark.parametrize(
    "name",
    [
        "$(touch x)",
        "`touch x`",
        "a'; touch x; '",
        'a"; touch x',
        "a\ntouch x",
        "a & touch x",
        "$HOME",
    ],
)
def test_names_are_words_in_the_line_that_installs_an_agent(name: str) -> None:
    line = install_command("TOKEN-1", [name], [name, "web"])
    words = shlex.split(line.partition(" | ")[2])
    assert words[:4] == ["TENTACLE_TOKEN=TOKEN-1", "sh", "-s", "--"]
    assert words[4:] == ["--environment", name, "--role", name, "--role", "web"]
