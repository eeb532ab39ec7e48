"""The formats of structured configuration, and which of them a file may have."""

from collections.abc import Callable, Mapping

from agent.runtime.documents.common import Outcome
from agent.runtime.documents.json_editor import replace_in_json
from agent.runtime.documents.properties_editor import replace_in_properties
from agent.runtime.documents.xml_editor import replace_in_xml
from agent.runtime.documents.yaml_editor import replace_in_guessed_yaml, replace_in_yaml

Replace = Callable[[str, Mapping[str, str]], Outcome]

REPLACERS: dict[str, Replace] = {
    "JSON": replace_in_json,
    "XML": replace_in_xml,
    "YAML": replace_in_yaml,
    "Properties": replace_in_properties,
}

_BY_SUFFIX = {
    ".json": ("JSON",),
    ".xml": ("JSON", "XML"),
    ".yml": ("JSON", "YAML"),
    ".yaml": ("JSON", "YAML"),
    ".properties": ("JSON", "Properties"),
}
# What a file with any other extension may be, the strictest first.
_GUESSES = REPLACERS | {"YAML": replace_in_guessed_yaml}


def formats_of(suffix: str, *, json_only: bool = False) -> dict[str, Replace]:
    """Return the formats to be tried, in order, for a file with this extension."""
    if json_only:
        return {"JSON": replace_in_json}
    names = _BY_SUFFIX.get(suffix.lower())
    return {name: REPLACERS[name] for name in names} if names else _GUESSES
