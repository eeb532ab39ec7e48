"""Script modules as variables: the script and its language, by the names that agents look for."""

from dataclasses import dataclass
from typing import Final

from agent.contracts.script_modules import OLDEST, body_name, language_name
from deployments.library.models import Variable

# What steps may be written in, so that they can load the module.
LANGUAGES: Final = ("Bash", "Python", "PowerShell")


@dataclass(frozen=True, slots=True)
class ScriptModule:
    """The script of a module; the ids are those of its two variables, empty for new ones."""

    language: str
    body: str
    body_id: str = ""
    language_id: str = ""


def read_module(name: str, variables: list[Variable]) -> ScriptModule:
    """Return the module that the variables of its set make; empty where there are none."""
    rows = {row.name.lower(): row for row in variables}
    body, language = rows.get(body_name(name).lower()), rows.get(language_name(name).lower())
    return ScriptModule(
        (language.value if language else None) or (OLDEST if body else LANGUAGES[0]),
        (body.value if body else None) or "",
        body.guid if body else "",
        language.guid if language else "",
    )
