"""Substitution in files: encodings, byte order marks, newlines, patterns."""

import codecs
import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.behaviours.globs import expand_braces, find_files
from agent.runtime.behaviours.text_files import TextFile, decode, encode

Agent = Any
PREFIX = "Octopus.Action.SubstituteInFiles"


def substitute(agent: Agent, files: dict[str, bytes], targets: str, **more: str) -> Any:
    """Substitute in files of a script's package and return the run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("run.sh", "cp -a . $OCTOPUS_WORK_DIRECTORY/../result")
        tool = zipfile.ZipInfo("tool")
        tool.external_attr = (stat.S_IFREG | 0o750) << 16
        archive.writestr(tool, "#{Name}")
        for name, data in files.items():
            archive.writestr(name, data)
    given = {
        "Octopus.Action.Script.ScriptSource": "Package",
        "Octopus.Action.Script.ScriptFileName": "run.sh",
        f"{PREFIX}.Enabled": "True",
        f"{PREFIX}.TargetFiles": targets,
        "Name": "wörld",
        "Snow": "☃",
        "Pattern": "*.conf",
    }
    given |= {name.replace("__", "."): value for name, value in more.items()}
    return agent.run(given, packages=[agent.add_package(buffer.getvalue())])


def result(run: Any, name: str) -> bytes:
    return bytes((run.directory / "result" / name).read_bytes())


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"", "cp1252"),
    ],
)
def test_encoding_mark_and_newlines_are_kept(
    agent: Agent, newline: str, mark: bytes, encoding: str
) -> None:
    before = f"é hello #{{Name}}{newline}next{newline}{newline}end"
    after = before.replace("#{Name}", "wörld")
    run = substitute(agent, {"a.txt": mark + before.encode(encoding)}, "a.txt")
    assert result(run, "a.txt") == mark + after.encode(encoding), run.text


def test_what_does_not_fit_becomes_utf8(agent: Agent) -> None:
    run = substitute(agent, {"a.txt": "é #{Snow}".encode("cp1252")}, "a.txt")
    assert result(run, "a.txt") == "é ☃".encode()
    assert "does not fit" in run.text


def test_output_encoding(agent: Agent) -> None:
    given = {f"{PREFIX}.OutputEncoding": "utf-16"}
    run = substitute(agent, {"a.txt": b"#{Name}"}, "a.txt", **given)
    assert result(run, "a.txt") == codecs.BOM_UTF16_LE + "wörld".encode("utf-16-le")
    given = {f"{PREFIX}.OutputEncoding": "klingon"}
    run = substitute(agent, {"a.txt": b"#{Name}"}, "a.txt", **given)
    assert result(run, "a.txt") == "wörld".encode()


def test_binary_files_survive(agent: Agent) -> None:
    data = bytes(range(256)) * 4
    run = substitute(agent, {"a.bin": data}, "*.bin")
    assert result(run, "a.bin") == data


def test_patterns(agent: Agent) -> None:
    names = (
        "a.conf",
        "b.conf",
        "c.txt",
        "sub/d.txt",
        "sub/deep/e.txt",
        "f.yml",
        "g.yaml",
        ".h.ini",
    )
    files = dict.fromkeys(names, b"#{Name}")
    targets = "#{Pattern}\nsub\\**\\*.txt\n\n*.{yml,yaml}\n**/*.ini\nmissing.*\n/etc/host*\n../*\n"
    run = substitute(agent, files, targets)
    changed = {name for name in names if result(run, name) == "wörld".encode()}
    assert changed == set(names) - {"c.txt"}
    for pattern in ("missing.*", "/etc/host*", "../*"):
        assert f"No file matches {pattern}" in run.text
    quiet = substitute(agent, files, "missing.*", **{f"{PREFIX}.EnableNoMatchWarning": "False"})
    assert "No file matches" not in quiet.text


def test_unresolved_tokens_stay_and_may_fail(agent: Agent) -> None:
    run = substitute(agent, {"a.txt": b"#{Nope} #{Name} ##{x}"}, "a.txt")
    assert result(run, "a.txt") == "#{Nope} wörld #{x}".encode()
    assert any(level == "verbose" and "#{Nope}" in line for level, line in run.levels)
    strict = {"OctopusShouldFailDeploymentOnSubstitutionFails": "True"}
    run = substitute(agent, {"a.txt": b"#{Nope}"}, "a.txt", **strict)
    assert run.exit["exit"] == 1
    assert "could not be substituted" in run.exit["message"]


def test_permissions_are_kept(agent: Agent) -> None:
    run = substitute(agent, {}, "tool")
    assert result(run, "tool") == "wörld".encode()
    assert stat.S_IMODE((run.directory / "result/tool").stat().st_mode) == 0o750


def test_files_reached_by_links_outside_are_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.txt").write_text("x")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (root / "own.txt").write_text("x")
    assert find_files(root, "*.txt") == [root / "own.txt"]
    assert find_files(root, "link.txt") == []
    assert find_files(root, str(root / "own.txt")) == [root / "own.txt"]


def test_braces() -> None:
    assert expand_braces("a{b,c}{d,e}") == ["abd", "abe", "acd", "ace"]
    assert expand_braces("a{b}") == ["a{b}"]
    assert len(expand_braces("{a,b}" * 30)) < 3000


def test_every_byte_round_trips() -> None:
    data = bytes(range(256))
    file = decode(data)
    assert file.encoding == "cp1252"
    assert encode(file) == (data, True)
    assert encode(TextFile("☃", "cp1252", b"")) == ("☃".encode(), False)
