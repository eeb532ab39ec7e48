"""Which transform files belong to a configuration file, by the table of cases."""

from pathlib import Path
from typing import Any

import pytest

from agent.runtime.behaviours.configuration.transform_names import (
    Definition,
    bad_definition,
    parse_definitions,
    transforms_for,
)
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("xdt", "names"), ids=case_name)
def test_transforms_are_found(tmp_path: Path, case: dict[str, Any]) -> None:
    for name in case["files"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (definition,) = parse_definitions(case["definition"])
    assert bad_definition(definition) == case.get("bad", "")
    found = {
        name: [str(path.relative_to(tmp_path)) for path in transforms]
        for name in case["files"]
        if Path(name).suffix.lower() == definition.extension
        and (transforms := transforms_for(tmp_path / name, definition))
    }
    # The files of a transform are targets of a pattern too; what they are paired with is tested
    # by the files that the case names.
    assert {name: found[name] for name in case["expected"]} == case["expected"]
    if not case["expected"]:
        assert found == {}


def test_an_absolute_transform(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    transform = tmp_path / "elsewhere/t.config"
    transform.touch()
    definition = Definition(str(transform), "web.config")
    assert transforms_for(tmp_path / "app/web.config", definition) == [transform]


def test_lists() -> None:
    text = "a.config=>b.config, Release\r\n\n => c.config\nd.config =>\n*.x => *.y"
    assert parse_definitions(text) == [
        Definition("a.config", "b.config"),
        Definition("Release"),
        Definition("*.x", "*.y"),
    ]
