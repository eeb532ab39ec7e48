"""What holds for every format: random texts, sizes, the source kept, the work bounded."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.runtime.documents import common
from agent.runtime.documents.common import BadValue, BrokenDocument
from agent.runtime.documents.formats import REPLACERS
from agent.runtime.documents.json_editor import replace_in_json
from agent.runtime.documents.xdt.engine import transform_xml
from agent.runtime.documents.xdt.syntax import BadTransform
from agent.runtime.documents.xml import xpath
from agent.runtime.documents.xml.nodes import Document, Element
from agent.runtime.documents.xml.reader import read_xml
from agent.runtime.documents.xml.xpath import XPath
from agent.runtime.documents.xml.xpath_tokens import BadXPath
from agent.runtime.documents.xml_editor import replace_in_xml

XDT = "xmlns:x='http://schemas.microsoft.com/XML-Document-Transform'"
MARKUP = "<>/=\"' &;ab:!-[]?\n{},#\\\x00"
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@pytest.mark.parametrize("name", REPLACERS)
@given(text=st.text(st.sampled_from(MARKUP), max_size=40))
def test_any_text_is_kept_or_refused(name: str, text: str) -> None:
    with suppress(BrokenDocument):
        assert REPLACERS[name](text, {}).text == text


@given(DATA, st.sampled_from([None, 1, 4]), st.text(max_size=10))
def test_json_that_was_written_elsewhere(data: Any, indent: int | None, value: str) -> None:
    text = json.dumps({"k": data, "z": "old"}, indent=indent, ensure_ascii=False)
    outcome = replace_in_json(text, {"z": value})
    assert json.loads(outcome.text) == {"k": data, "z": value}
    assert outcome.text.startswith(text[: text.rindex('"old"')])


def elements() -> st.SearchStrategy[str]:
    leaf = st.sampled_from(["<e/>", "<e a='1' />", "text", "<!-- c -->", "<![CDATA[<]]>", "&amp;"])
    return st.recursive(
        leaf, lambda inner: st.lists(inner).map(lambda parts: f"<f\n>{''.join(parts)}</f >")
    )


@given(elements())
def test_xml_keeps_its_source(inner: str) -> None:
    text = f"<?xml version='1.0'?>\r\n<r>{inner}</r>\n"
    assert read_xml(text).source == text
    assert replace_in_xml(text, {"/nothing": "x"}).text == text


def count(node: Element | Document, name: str) -> int:
    own = isinstance(node, Element) and node.name == name
    inner = [child for child in node.children if isinstance(child, Element)]
    return own + sum(count(child, name) for child in inner)


@given(elements())
def test_paths_find_what_a_walk_finds(inner: str) -> None:
    document = read_xml(f"<r>{inner}</r>")
    for name in ("e", "f"):
        assert len(XPath(f"//{name}", {}).select(document)) == count(document, name)
        assert len(XPath(f"//*[local-name()='{name}']", {}).select(document)) == count(
            document, name
        )


@given(st.text(st.sampled_from("/@*[]()ab=.|:1'\"- <$"), max_size=20))
def test_any_path_is_understood_or_refused(text: str) -> None:
    document = read_xml("<a b='1'><b>2</b></a>")
    with suppress(BadXPath):
        assert isinstance(XPath(text, {}).select(document), list)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "MAX_NODES", 100)
    monkeypatch.setattr(common, "MAX_CHARACTERS", 1000)
    for name, text in {
        "JSON": f"[{'1,' * 150}1]",
        "YAML": f"[{'1,' * 150}1]",
        "XML": f"<a>{'<b/>' * 150}</a>",
    }.items():
        with pytest.raises(BrokenDocument, match="more than 100 values"):
            REPLACERS[name](text, {})
    for replace in REPLACERS.values():
        with pytest.raises(BrokenDocument, match="more than 1000 characters"):
            replace("# " + "x" * 1000, {})


def test_paths_that_look_at_too_much_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xpath, "MAX_VISITS", 50_000)
    text = f"<a>{'<b/>' * 3000}</a>"
    with pytest.raises(BadValue, match=r"too many nodes; the last one was //b\[count"):
        replace_in_xml(text, {"//b[count(//b[count(//b) > 1]) > 1]": "x"})
    instructions = f"<a {XDT}><b x:Transform='Remove' x:Locator='Condition(count(//b) > 9)'/></a>"
    with pytest.raises(BadTransform, match="look at too many nodes"):
        transform_xml(text, instructions)


@pytest.mark.parametrize(
    "path",
    [
        "//b[count(//b) > 1]",
        "//b[following-sibling::b/preceding-sibling::b = 'x']",
        "//b[string(/) = 'x']",
        "//b[sum(//b) = 1]",
        "//b[//* = //*]",
    ],
)
def test_paths_that_take_too_long_are_given_up(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xpath, "MAX_SECONDS", 0.2)
    text = f"<a>{'<b>t</b>' * 20_000}</a>"
    began = time.process_time()
    with pytest.raises(BadValue, match=r"(longer than 0.2 seconds|too many nodes); the last one"):
        replace_in_xml(text, {path: "x"})
    assert time.process_time() - began < 5


def test_transforms_that_take_too_long_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xpath, "MAX_SECONDS", 0.0)
    matching = "<b k='x' x:Transform='SetAttributes' x:Locator='Match(k)'/>"
    text = "<a>" + "<b k='x'/>" * 100 + "</a>"
    instructions = f"<a {XDT}>{matching * 100}</a>"
    with pytest.raises(BadTransform, match="finding b and what was before it takes too long"):
        transform_xml(text, instructions)


def test_many_operators_and_deep_nesting() -> None:
    document = read_xml("<a><b>1</b></a>")
    deepest = "1"
    for _ in range(48):
        deepest = f"*[{deepest}]"
    for text in (f"/a[{'1 + ' * 199}1 > 1]", f"/a[{'-' * 200}1]", f"/*[{'1 or ' * 200}{deepest}]"):
        assert isinstance(XPath(text, {}).select(document), list)
    for text in (f"/a[{'1 + ' * 201}1]", f"/a[{'-' * 201}1]", f"/*[{'1 and ' * 1600}1]"):
        with pytest.raises(BadXPath, match="too many operators"):
            XPath(text, {})


@pytest.mark.parametrize(
    ("name", "text", "variable"),
    [
        ("JSON", '{"a": "x"}', "a"),
        ("YAML", "a: x\n", "a"),
        ("XML", "<a>x</a>", "/a"),
        ("Properties", "a=x", "a"),
    ],
)
def test_values_of_ten_megabytes(name: str, text: str, variable: str) -> None:
    value = "#{x} " * (2 * 1024 * 1024)
    began = time.process_time()
    outcome = REPLACERS[name](text, {variable: value})
    assert time.process_time() - began < 10
    assert len(outcome.text) >= len(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("JSON", '{"a": "' + "\\" * 20_000),
        ("JSON", "/*" * 20_000),
        ("YAML", "a: '" + "x\n" * 20_000),
        ("YAML", "a: " + "[" * 20_000),
        ("YAML", "- " * 20_000),
        ("YAML", "&a " * 20_000),
        ("YAML", "a " * 20_000),
        ("XML", "<a " + "b='' " * 20_000),
        ("XML", "<!DOCTYPE a [" + "<!-- " * 20_000),
        ("XML", "<a>" + "&" * 20_000),
        ("Properties", "a\\" * 20_000),
        ("Properties", "\\\n" * 20_000),
    ],
)
def test_hostile_texts_cost_little(name: str, text: str) -> None:
    began = time.process_time()
    with suppress(BrokenDocument):
        REPLACERS[name](text, {"a": "x"})
    assert time.process_time() - began < 5


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_time_for_yaml_grows_with_its_lines(newline: str) -> None:
    def seconds(lines: int) -> float:
        text = newline.join(f"key{number}: value" for number in range(lines))
        began = time.process_time()
        outcome = REPLACERS["YAML"](text, {"key7": "new"})
        spent = time.process_time() - began
        assert outcome.text == text.replace("key7: value", "key7: new", 1)
        return spent

    few = min(seconds(5_000), seconds(5_000))
    # Twenty times as much; four hundred, if each line looked at all others.
    assert seconds(100_000) < 100 * few
