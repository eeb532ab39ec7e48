"""Filters and names of directories: what people type stays a value."""

import uuid
from typing import Any

import pytest

from deployments.access.ldap.names import (
    canonical_dn,
    filled,
    is_disabled,
    subject_filter,
    subject_of,
    template_problem,
)
from tests.support.cases import cases


@pytest.mark.parametrize("case", cases("ldap", "filters"))
def test_a_value_cannot_become_a_filter(case: dict[str, str]) -> None:
    assert filled(case["template"], case["value"]) == case["filter"]


@pytest.mark.parametrize("case", cases("ldap", "templates"))
def test_templates_are_filters_with_a_place_for_a_name(case: dict[str, Any]) -> None:
    assert (template_problem(case["template"]) == "") == case["good"]


@pytest.mark.parametrize("case", cases("ldap", "names"))
def test_names_have_one_spelling(case: dict[str, Any]) -> None:
    if case["is"] is None:
        with pytest.raises(ValueError, match="no distinguished name"):
            canonical_dn(case["text"])
    else:
        assert canonical_dn(case["text"]) == case["is"]


@pytest.mark.parametrize("case", cases("ldap", "disabled"))
def test_who_is_disabled(case: dict[str, Any]) -> None:
    attributes = {
        name: [text.encode() for text in texts] for name, texts in case["attributes"].items()
    }
    assert is_disabled(attributes) == case["disabled"]


def test_a_number_of_bytes_is_found_again() -> None:
    number = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff").bytes
    subject = subject_of("objectGUID", {"OBJECTGUID": [number]})
    assert subject == number.hex()
    wanted = "(objectGUID=" + "".join(f"\\{byte:02x}" for byte in number) + ")"
    assert subject_filter("objectGUID", subject) == wanted
    assert subject_filter("entryUUID", "a*b") == "(entryUUID=a\\2ab)"
    with pytest.raises(ValueError, match="hexadecimal"):
        subject_filter("objectGUID", "no number")
