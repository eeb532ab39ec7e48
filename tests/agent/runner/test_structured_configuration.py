"""Structured configuration variables in a real runner: files, formats, encodings, failures."""

import codecs
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

Agent = Any
TARGETS = "Octopus.Action.Package.JsonConfigurationVariablesTargets"


def configure(agent: Agent, files: dict[str, bytes], targets: str, **more: str) -> Any:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    given = {
        "Octopus.Environment.Name": "Staging",
        "Octopus.Action.EnabledFeatures": "Octopus.Features.JsonConfigurationVariables",
        "OctopusSkipFreeDiskSpaceCheck": "True",
        TARGETS: targets,
        "a": "#{New}",
        "/r/a": "#{New}",
        "New": "wörld",
    }
    given |= {name.replace("__", "."): value for name, value in more.items()}
    package = agent.add_package(buffer.getvalue())
    return agent.run(given, kind="deploy_package", packages=[package])


def content(agent: Agent, name: str) -> bytes:
    return bytes((agent.home / "applications/Staging/Acme.Web/1.0.0" / name).read_bytes())


def test_formats_by_extension(agent: Agent) -> None:
    files = {
        "a.json": b'{"a": 1}',
        "b.yml": b"a: 1 # c\n",
        "c.YAML": b'{"a": 1}',
        "d.xml": b"<r><a>1</a></r>",
        "e.properties": b"a=1",
        "f.conf": b"a=1\n[x]\n",
        "g.conf": b"<r><a>1</a></r>",
        "h.conf": b"[{]",
        "sub/i.json": b'{"a": null}',
        "left.json": b'{"a": 1}',
    }
    targets = "a.json\n*.yml\nc.*\nd.xml\ne.properties\n?.conf\nsub/*.json\nsub\nnone.*\n"
    run = configure(agent, files, targets)
    assert run.exit["exit"] == 0, run.text
    expected = {
        "a.json": '{"a": "wörld"}',
        "b.yml": "a: wörld # c\n",
        "c.YAML": '{"a": "wörld"}',
        "d.xml": "<r><a>wörld</a></r>",
        "e.properties": "a=wörld",
        "f.conf": "a=wörld\n[x]\n",
        "g.conf": "<r><a>wörld</a></r>",
        "h.conf": "[{]",
        "sub/i.json": '{"a": "wörld"}',
        "left.json": '{"a": 1}',
    }
    assert {name: content(agent, name).decode() for name in files} == expected
    assert "sub is a directory" in run.text
    assert "No file matches none.*" in run.text
    found = "Structure found matching the variable 'a'. "
    assert ("verbose", f"{found}Replacing its content with the variable value.") in run.levels
    assert "No structures have been found" in run.text


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.json", b"{", "could not be parsed as JSON: it ends too early (line 1, column 2)"),
        ("a.xml", b"<a>", "could not be parsed as XML: the element a is not closed"),
        ("a.yml", b"a: b: c", "could not be parsed as YAML: a mapping cannot begin here"),
        ("a.json", bytes(range(256)), "it is not a text file"),
        ("a.bin", b"\x7fELF\0\0", "it is not a text file"),
        ("a.xml", b"<?xml version='1.0' encoding='klingon'?><r/>", "klingon, which is not known"),
        ("a.xml", b"<?xml version='1.0' encoding='base64'?><r/>", "base64, which is not known"),
    ],
)
def test_broken_files_fail_the_deployment(agent: Agent, name: str, data: bytes, words: str) -> None:
    run = configure(agent, {name: data}, name)
    assert run.exit["exit"] == 1
    assert f"Structured variable replacement failed on file {name}." in run.exit["message"]
    assert words in run.exit["message"]
    assert content(agent, name) == data


def test_json_only(agent: Agent) -> None:
    flag = {"Octopus__Action__StructuredConfigurationFallbackFlag": "True"}
    run = configure(agent, {"a.yml": b"a: 1\n"}, "a.yml", **flag)
    assert "could not be parsed as JSON" in run.exit["message"]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "cp1252"),
    ],
)
def test_encodings_are_kept(agent: Agent, mark: bytes, encoding: str) -> None:
    before = '{\r\n"é": 1, "a": "x"}\r\n'
    run = configure(agent, {"a.json": mark + before.encode(encoding)}, "a.json")
    after = before.replace('"x"', '"wörld"')
    assert content(agent, "a.json") == mark + after.encode(encoding), run.text


def test_declared_encodings(agent: Agent) -> None:
    head = '<?xml version="1.0" encoding="{}"?><r k="é"><a>1</a></r>'
    files = {
        "latin.xml": head.format("iso-8859-15").encode("iso-8859-15"),
        "wide.xml": head.format("utf-16").encode("utf-16-le"),
        "narrow.xml": head.format("us-ascii").replace("é", "e").encode("ascii"),
    }
    run = configure(agent, files, "*.xml")
    done = head.replace("<a>1", "<a>wörld")
    assert content(agent, "latin.xml") == done.format("iso-8859-15").encode("iso-8859-15")
    assert content(agent, "wide.xml") == done.format("utf-16").encode("utf-16-le")
    assert content(agent, "narrow.xml") == done.format("utf-8").replace("é", "e").encode()
    assert "narrow.xml is now stored as UTF-8" in run.text


def test_nothing_happens_without_the_feature(agent: Agent) -> None:
    off = {"Octopus__Action__EnabledFeatures": "Octopus.Features.CustomScripts"}
    configure(agent, {"a.json": b'{"a": 1}'}, "a.json", **off)
    assert content(agent, "a.json") == b'{"a": 1}'


def test_additional_paths(agent: Agent, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.json").write_text('{"a": 1}')
    more = {"Octopus__Action__AdditionalPaths": f"{other}\nrelative\n/no/such"}
    run = configure(agent, {"a.json": b'{"a": 1}'}, "a.json", **more)
    assert (other / "a.json").read_text() == '{"a": "wörld"}'
    assert content(agent, "a.json").decode() == '{"a": "wörld"}'
    for path in ("relative", "/no/such"):
        assert f"The additional path {path} is no directory" in run.text


def test_variables_that_go_in_circles_are_named(agent: Agent) -> None:
    run = configure(agent, {"a.json": b'{"b": 1}'}, "a.json", b="#{c}", c="#{b}")
    assert "The variable b could not be evaluated" in run.exit["message"]
    assert content(agent, "a.json") == b'{"b": 1}'


def test_sensitive_values_reach_the_file_only(agent: Agent) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.json", '{"p": {}, "q": "x"}')
    given = {
        "Octopus.Action.EnabledFeatures": "Octopus.Features.JsonConfigurationVariables",
        "OctopusSkipFreeDiskSpaceCheck": "True",
        "Octopus.Environment.Name": "Staging",
        TARGETS: "a.json",
    }
    secret = {"p": "hunter2 hunter2", "q": "hunter3hunter3"}
    package = agent.add_package(buffer.getvalue())
    run = agent.run(given, kind="deploy_package", packages=[package], sensitive=secret)
    assert content(agent, "a.json") == b'{"p": {}, "q": "hunter3hunter3"}'
    assert "The value of p was not put in" in run.text
    assert "hunter" not in run.text
