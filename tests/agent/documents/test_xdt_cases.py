"""Transforms and settings of .NET configuration files, by the tables of cases."""

from typing import Any

import pytest

from agent.runtime.documents.common import BrokenDocument
from agent.runtime.documents.config_editor import replace_in_config
from agent.runtime.documents.xdt.engine import transform_xml
from agent.runtime.documents.xdt.syntax import BadTransform
from tests.support.cases import case_name, cases

TRANSFORMS = [
    case for family in ("transforms", "locators", "documents") for case in cases("xdt", family)
]


@pytest.mark.parametrize("case", TRANSFORMS, ids=case_name)
def test_transforms(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises((BadTransform, BrokenDocument)) as raised:
            transform_xml(case["text"], case["transform"])
        assert str(raised.value) == case["error"]
        return
    result = transform_xml(case["text"], case["transform"])
    assert result.text == case["expected"]
    assert result.warnings == case.get("warnings", [])
    assert result.has_root


@pytest.mark.parametrize("case", cases("xdt", "settings"), ids=case_name)
def test_settings(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(BrokenDocument) as raised:
            replace_in_config(case["text"], case["variables"])
        assert str(raised.value) == case["error"]
        return
    assert replace_in_config(case["text"], case["variables"]).text == case["expected"]


def test_a_root_may_be_removed() -> None:
    namespace = "xmlns:x='http://schemas.microsoft.com/XML-Document-Transform'"
    result = transform_xml("<!-- c --><a/>", f"<a {namespace} x:Transform='Remove'/>")
    assert (result.text, result.has_root) == ("<!-- c -->", False)


def test_a_setting_that_xml_forbids_is_told_of() -> None:
    text = '<c><appSettings><add key="Bell"/><add key="Fine"/></appSettings></c>'
    outcome = replace_in_config(text, {"Bell": "\a", "Fine": "x"})
    assert 'key="Bell" value="\ufffd"' in outcome.text
    assert outcome.warnings == [
        "The value of Bell has characters that XML forbids; they became \ufffd."
    ]
