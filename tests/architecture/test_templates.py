"""Templates keep to the content security policy and leave no component unrendered."""

import re
from collections.abc import Iterator

import pytest
from django.template.base import NodeList, TextNode
from django.template.loader import get_template

from tests.architecture.tree import ROOT, repository_files

# Each would need 'unsafe-inline' in the policy, or loads from elsewhere.
FORBIDDEN = {
    "inline script": r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>",
    "inline handler": r"\son(click|change|submit|input|load|keydown|keyup|focus|blur)=",
    "inline style": r"\sstyle=\"",
    "style element": r"<style\b",
    "address elsewhere": r"(src|href)=\"(https?:)?//(?!docs\.)",
    "javascript address": r"href=\"javascript:",
    "unescaped output": r"\|\s*safe\b|autoescape off",
    "htmx evaluation": r"hx-on|hx-vals=['\"]js:|hx-headers=['\"]js:",
}


def templates() -> Iterator[str]:
    """Yield the path of every template."""
    yield from (
        name
        for name in repository_files()
        if name.endswith(".html") and not name.startswith(("tests/", "docs/"))
    )


@pytest.mark.parametrize("what", FORBIDDEN)
def test_templates_have_no(what: str) -> None:
    found = [
        f"{name}:{number}"
        for name in templates()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if re.search(FORBIDDEN[what], line)
    ]
    assert not found


def test_messages_are_shown_once() -> None:
    """The base shows them above the block `main`; who fills `page` instead shows them itself."""
    found = [
        name
        for name in templates()
        if name != "templates/base.html"
        and "{% block main %}" in (text := (ROOT / name).read_text(encoding="utf-8"))
        and '"_messages.html"' in text
    ]
    assert not found


def test_every_component_that_is_used_exists() -> None:
    used = {
        (name, component)
        for name in templates()
        for component in re.findall(r"<c-([a-z0-9._-]+)", (ROOT / name).read_text("utf-8"))
        if component not in {"vars", "slot", "component"}
    }
    missing = {
        f"{name}: <c-{component}>"
        for name, component in used
        if not component_file_exists(component)
    }
    assert not missing


def component_file_exists(component: str) -> bool:
    path = component.replace(".", "/").replace("-", "_")
    folder = ROOT / "templates" / "cotton"
    return (folder / f"{path}.html").exists() or (folder / path / "index.html").exists()


def test_every_template_compiles_with_its_components_in_place() -> None:
    """A component that is spelled in a way that nothing reads would reach the browser."""
    left = []
    for name in templates():
        template = get_template(name.removeprefix("templates/"))
        left += [
            f"{name}: {text.strip()[:80]}"
            for text in texts_of(template.template.nodelist)  # type: ignore[attr-defined]
            if re.search(r"</?c-", text)
        ]
    assert not left


def texts_of(nodes: NodeList) -> Iterator[str]:
    """Yield the texts between tags, however deep."""
    for node in nodes:
        if isinstance(node, TextNode):
            yield node.s
        for value in vars(node).values():
            if isinstance(value, NodeList):
                yield from texts_of(value)
        for _, inner in getattr(node, "conditions_nodelists", ()):
            yield from texts_of(inner)
