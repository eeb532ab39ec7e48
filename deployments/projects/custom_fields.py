"""Custom fields of releases: which ones a channel asks for, whether they are filled; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_FIELDS: Final = 10
MOST_CHARACTERS: Final = 150


class InvalidFields(ValueError):
    """Custom fields or their definitions will not do; `errors` are sentences."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__(errors[0])
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A field that every release of a channel must fill."""

    name: str
    description: str = ""


def definitions_from_json(entries: Iterable[Any]) -> tuple[FieldDefinition, ...]:
    """Read `CustomFieldDefinitions`: a FieldName and a Description each. Raises InvalidFields."""
    found = []
    for entry in entries:
        fields = (
            {str(key).lower(): value for key, value in entry.items()}
            if isinstance(entry, Mapping)
            else {}
        )
        name = str(fields.get("fieldname") or "").strip()
        if not name:
            raise InvalidFields(["A definition of a custom field needs a FieldName."])
        found.append(FieldDefinition(name, str(fields.get("description") or "").strip()))
    errors = _name_errors([definition.name for definition in found])
    if errors:
        raise InvalidFields(errors)
    return tuple(found)


def stored_definitions(extra: Mapping[str, Any]) -> tuple[FieldDefinition, ...]:
    """Return what a channel asks for; ones stored before they were checked ask for nothing."""
    try:
        return definitions_from_json(extra.get("CustomFieldDefinitions") or ())
    except InvalidFields:
        return ()


def definitions_to_json(definitions: Iterable[FieldDefinition]) -> list[dict[str, str]]:
    """Return the wire's form."""
    return [{"FieldName": each.name, "Description": each.description} for each in definitions]


def checked_fields(
    given: Mapping[str, Any], definitions: Sequence[FieldDefinition]
) -> dict[str, str]:
    """Return the fields of a release, blank ones left out. Raises InvalidFields.

    A name that a definition has, ignoring case, is written as there.
    """
    known = {definition.name.lower(): definition.name for definition in definitions}
    pairs = [(str(name).strip(), str(value or "").strip()) for name, value in given.items()]
    errors = _name_errors([name for name, _ in pairs])
    errors += [
        f"The custom field '{name}' may have at most {MOST_CHARACTERS} characters."
        for name, text in pairs
        if len(text) > MOST_CHARACTERS
    ]
    fields = {known.get(name.lower(), name): text for name, text in pairs if text}
    errors += [
        f"The channel asks for the custom field '{definition.name}'."
        for definition in definitions
        if definition.name not in fields
    ]
    if errors:
        raise InvalidFields(errors)
    return fields


def _name_errors(names: Sequence[str]) -> list[str]:
    errors = []
    if len(names) > MOST_FIELDS:
        errors.append(f"There may be at most {MOST_FIELDS} custom fields.")
    if not all(names):
        errors.append("A custom field needs a name.")
    errors += [
        f"The name of a custom field may have at most {MOST_CHARACTERS} characters."
        for name in names
        if len(name) > MOST_CHARACTERS
    ]
    lower = [name.lower() for name in names]
    errors += [
        f"There is more than one custom field '{name}'."
        for number, name in enumerate(names)
        if name.lower() in lower[:number]
    ]
    return errors
