"""The formats of structured configuration, and which of them a file may have."""

from collections.abc import Callable, Mapping

from agent.runtime.documents.common import Outcome
from agent.runtime.documents.json_editor import replace_in_json
from agent.runtime.documents.properties_editor import replace_in_properties
from agent.runtime.documents.xml_editor import replace_in_xml

Replace = Callable[[str, Mapping[str, str]], Outcome]

REPLACERS: dict[str, Replace] = {
    "JSON": replace_in_json,
    "XML": replace_in_xml,
    "Properties": replace_in_properties,
}
