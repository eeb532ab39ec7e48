"""What a Git server says of its references, and which of them a trigger watches; pure."""

import pytest

from deployments.base.errors import Invalid
from deployments.projects.git.advertisement import Malformed, references_in
from deployments.projects.triggers.git_filter import (
    checked_git_filter,
    fitting,
    news,
    news_as_notes,
    news_in_words,
)

A, B, C = ("a" * 40, "b" * 40, "c" * 40)


def packet(*lines: str) -> bytes:
    """Return lines as a server writes them; an empty one separates."""
    return b"".join(f"{len(line) + 4:04x}{line}".encode() if line else b"0000" for line in lines)


HEAD = "# service=git-upload-pack\n"


def test_references_are_read_and_annotated_tags_stand_for_their_commit() -> None:
    body = packet(
        HEAD,
        "",
        f"{A} HEAD\0multi_ack side-band-64k agent=git/2.39\n",
        f"{A} refs/heads/main\n",
        f"{B} refs/tags/v1\n",
        f"{C} refs/tags/v1^{{}}\n",
        f"shallow {B}\n",
        "",
    )
    assert references_in(body) == {"refs/heads/main": A, "refs/tags/v1": C}


def test_an_empty_repository_has_none() -> None:
    body = packet(HEAD, "", f"{'0' * 40} capabilities^{{}}\0agent=git/2\n", "")
    assert references_in(body) == {}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>Sign in</html>", "smart HTTP"),
        (b"", "smart HTTP"),
        (packet("Hello"), "smart HTTP"),
        (packet(HEAD, "") + b"00", "smart HTTP"),
        (packet(HEAD, "") + b"ffff", "smart HTTP"),
        (packet(HEAD, "") + b"0003", "smart HTTP"),
        (packet(HEAD, "", "ERR access denied\n"), "access denied"),
    ],
)
def test_what_is_no_such_answer_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        references_in(body)


FOUND = {
    "refs/heads/main": A,
    "refs/heads/release/1.0": B,
    "refs/heads/Main": B,
    "refs/tags/v1": C,
    "refs/pull/1/head": C,
}


@pytest.mark.parametrize(
    ("branches", "tags", "fit"),
    [
        (["main"], [], ["refs/heads/main"]),
        (["release/*"], ["v*"], ["refs/heads/release/1.0", "refs/tags/v1"]),
        (["*"], [], ["refs/heads/Main", "refs/heads/main", "refs/heads/release/1.0"]),
        ([], ["*"], ["refs/tags/v1"]),
        ([], ["main"], []),
    ],
)
def test_patterns_choose_branches_and_tags(
    branches: list[str], tags: list[str], fit: list[str]
) -> None:
    assert sorted(fitting({"Branches": branches, "Tags": tags}, FOUND)) == fit


def test_what_is_new_or_has_moved_is_news_and_what_is_gone_is_none() -> None:
    before = {"refs/heads/main": A, "refs/heads/old": A, "refs/tags/v1": C}
    now = {"refs/heads/main": B, "refs/tags/v1": C, "refs/tags/v2": B}
    names = news(before, now)
    assert names == ["refs/heads/main", "refs/tags/v2"]
    document = {"RepositoryUri": "https://git.example.com/acme/config.git"}
    assert news_in_words(document, names, now) == (
        "The branch main of git.example.com/acme/config is at bbbbbbbbbb and 1 more"
    )
    assert news_as_notes(document, names, before, now).splitlines() == [
        "New in https://git.example.com/acme/config.git:",
        "",
        f"- `refs/heads/main`: {B}, before {A}",
        f"- `refs/tags/v2`: {B}",
    ]


GOOD = {"RepositoryUri": "https://git.example.com/config", "Branches": ["main"]}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"RepositoryUri": ""}, "RepositoryUri"),
        ({"RepositoryUri": "git@example.com:acme/config"}, "RepositoryUri"),
        ({"RepositoryUri": "ssh://git@example.com/config"}, "RepositoryUri"),
        ({"RepositoryUri": "file:///etc"}, "RepositoryUri"),
        ({"RepositoryUri": "https://ana:secret@example.com/config"}, "RepositoryUri"),
        ({"RepositoryUri": "https://example.com/config?x=1"}, "RepositoryUri"),
        ({"RepositoryUri": "https://[oops/config"}, "RepositoryUri"),
        ({"RepositoryUri": f"https://example.com/{'x' * 2000}"}, "RepositoryUri"),
        ({"Username": "x" * 201}, "Username"),
        ({"Branches": []}, "Branches"),
        ({"Branches": "main"}, "Branches"),
        ({"Tags": [f"v{number}" for number in range(21)]}, "Tags"),
        ({"Branches": ["x" * 201]}, "Branches"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_git_filter({**GOOD, **wrong})
    assert list(refused.value.fields) == [field]
    assert "secret" not in str(refused.value)


def test_many_stars_cost_no_time() -> None:
    pattern = "*a" * 90
    assert not fitting({"Branches": [pattern], "Tags": []}, {f"refs/heads/{'a' * 480}b": A})
