"""Variables as one JSON text, with names where the store has ids; pure.

Secrets are not in it: null keeps the one that is stored under the same name and scope.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from deployments.base.errors import Invalid
from deployments.library.models import Variable
from deployments.library.services import VariableInput
from deployments.library.services.reading import inputs_from_body, prompt_resource

LONGEST: Final = 10_000_000
_MOST_PROBLEMS: Final = 10
# Dimension by dimension, the words for its values by id; no entry means any text.
Names = Mapping[str, Mapping[str, str]]


def to_text(rows: Iterable[Variable], names: Names) -> str:
    """Return the variables as indented JSON; what is empty is left out."""
    documents = [_document(input_of(row), names) for row in rows]
    return json.dumps({"Variables": documents}, indent=2, ensure_ascii=False)


def input_of(row: Variable) -> VariableInput:
    """Return a stored variable as a writer names it; without its secret."""
    return VariableInput(
        name=row.name,
        value=None if row.is_sensitive else row.value,
        id=row.guid,
        kind=row.kind,
        is_sensitive=row.is_sensitive,
        description=row.description,
        scope=row.scope,
        prompt=row.prompt,
    )


def from_text(text: str, names: Names) -> list[VariableInput]:
    """Read the variables of a text, in the form of the REST API, with names or ids in scopes.

    Raises Invalid, which says what is wrong where.
    """
    if len(text) > LONGEST:
        raise Invalid(f"The text has more than {LONGEST} characters.")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise Invalid(
            f"This is no JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise Invalid("This is no list of variables: it is nested too deeply.") from error
    if isinstance(document, Mapping):
        document = document.get("Variables")
    if not isinstance(document, list):
        raise Invalid('The text is {"Variables": [...]}, or the list alone.')
    problems: list[str] = []
    found = [
        replace(each, id="", scope=_ids(each, names, problems)).normal()
        for each in inputs_from_body(document)
    ]
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        raise Invalid(*problems[:_MOST_PROBLEMS], *([f"And {more} more."] if more > 0 else []))
    return found


def unambiguous(values: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the words by id; where two have the same, the id itself."""
    counts = Counter(words.lower() for _, words in values)
    return {value: words if counts[words.lower()] == 1 else value for value, words in values}


def _document(each: VariableInput, names: Names) -> dict[str, Any]:
    scope = {
        dimension: [_words(names.get(dimension, {}), value) for value in values]
        for dimension, values in each.scope.items()
        if values
    }
    document: dict[str, Any] = {"Name": each.name, "Value": each.value}
    if each.is_sensitive:
        document["IsSensitive"] = True
    elif each.kind != "String":
        document["Type"] = each.kind
    if each.description:
        document["Description"] = each.description
    if scope:
        document["Scope"] = scope
    if each.prompt:
        document["Prompt"] = prompt_resource(each.prompt)
    return document


def _words(known: Mapping[str, str], value: str) -> str:
    lowered = value.lower()
    return next((words for each, words in known.items() if each.lower() == lowered), value)


def _ids(each: VariableInput, names: Names, problems: list[str]) -> dict[str, list[str]]:
    scope: dict[str, list[str]] = {}
    for dimension, values in each.scope.items():
        known = names.get(dimension)
        if known is None:
            scope[dimension] = list(values)
            continue
        ids = {words.lower(): value for value, words in known.items()}
        ids |= {value.lower(): value for value in known}
        scope[dimension] = []
        for value in values:
            found = ids.get(value.lower())
            if found is None:
                problems.append(f"{each.name}: {dimension} '{value}' is not known here.")
            else:
                scope[dimension].append(found)
    return scope
