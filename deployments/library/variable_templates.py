"""Variable templates of projects and library sets: the values that tenants fill in; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from deployments.base.errors import Invalid
from deployments.library.account_types import BY_VARIABLE_TYPE

CONTROL_TYPE: Final = "Octopus.ControlType"
SELECT: Final = "Select"
SELECT_OPTIONS: Final = "Octopus.SelectOptions"
SENSITIVE: Final = "Sensitive"
CONTROLS: Final = (
    ("SingleLineText", "Text"),
    ("MultiLineText", "Text of several lines"),
    ("Checkbox", "Yes or no"),
    (SELECT, "One of several"),
    (SENSITIVE, "Secret"),
)
# What tenants choose instead of writing it; the control is the type of the variable.
REFERENCE_CONTROLS: Final = {
    **{kind: f"Account: {each.words}" for kind, each in BY_VARIABLE_TYPE.items()},
    "Certificate": "Certificate",
    "WorkerPool": "Worker pool",
}
TEMPLATE_CONTROLS: Final = (*CONTROLS, *REFERENCE_CONTROLS.items())
MOST: Final = 200
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class VariableTemplate:
    """A value to fill in. `default` None means that a tenant must give one."""

    id: str
    name: str
    label: str = ""
    help: str = ""
    default: str | None = None
    display: Mapping[str, str] | None = None

    @property
    def is_sensitive(self) -> bool:
        return self.control == SENSITIVE

    @property
    def control(self) -> str:
        return (self.display or {}).get(CONTROL_TYPE) or CONTROLS[0][0]

    @property
    def is_reference(self) -> bool:
        """Whether its values are ids of accounts, certificates or worker pools."""
        return self.control in REFERENCE_CONTROLS

    @property
    def kind(self) -> str:
        """The type of the variable that its values make."""
        return self.control if self.is_reference else "String"

    @property
    def words(self) -> str:
        """What people call it."""
        return self.label or self.name

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The choices of a Select, as value and words."""
        return options_of((self.display or {}).get(SELECT_OPTIONS, ""))

    def problems_of(self, value: str) -> list[str]:
        """Return what is wrong with a value that is none of the choices of a Select."""
        return problems_of_choice(self.words, self.display or {}, value)


def options_of(text: str) -> tuple[tuple[str, str], ...]:
    """Return the choices of a Select, written as `value|words` one a line, as value and words."""
    parts = [line.partition("|") for line in text.splitlines() if line.strip()]
    return tuple((value.strip(), words.strip() or value.strip()) for value, _, words in parts)


def problems_of_choice(words: str, display: Mapping[str, str], value: str) -> list[str]:
    """Return what is wrong with a value where one of the choices of a Select is asked for.

    What an expression chooses is known only when it is used.
    """
    choices = [each for each, _ in options_of(display.get(SELECT_OPTIONS, ""))]
    is_free = display.get(CONTROL_TYPE) != SELECT or not choices or not value or "#{" in value
    if is_free or value in choices:
        return []
    return [f"The value of '{words}' must be one of its choices: {', '.join(choices)}."]


def read_templates(documents: Iterable[Mapping[str, Any]]) -> tuple[VariableTemplate, ...]:
    """Return the templates of stored documents."""
    return tuple(
        VariableTemplate(
            id=str(entry["Id"]),
            name=str(entry["Name"]),
            label=str(entry.get("Label") or ""),
            help=str(entry.get("HelpText") or ""),
            default=entry.get("DefaultValue"),
            display=entry.get("DisplaySettings") or {},
        )
        for entry in documents
    )


def template_resource(template: VariableTemplate) -> dict[str, Any]:
    """Return the template in the form of the wire."""
    return {
        "Id": template.id,
        "Name": template.name,
        "Label": template.label,
        "HelpText": template.help,
        "DefaultValue": template.default,
        "DisplaySettings": dict(template.display or {}),
        "AllowClear": True,
        "Links": {},
    }


def checked_templates(documents: Any) -> list[dict[str, Any]]:
    """Return documents as they are stored, new ones with an id; raises Invalid."""
    if not isinstance(documents, list) or len(documents) > MOST:
        raise Invalid(fields={"Templates": [f"Templates must be a list of at most {MOST}."]})
    checked = [_checked(entry) for entry in documents]
    errors = []
    for key in ("Name", "Id"):
        counts = Counter(entry[key].lower() for entry in checked)
        several = [text for text, count in counts.items() if count > 1]
        errors += [f"There are several templates with the {key} '{text}'." for text in several]
    if errors:
        raise Invalid(fields={"Templates": errors})
    return checked


def _checked(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise Invalid(fields={"Templates": ["A template must be an object."]})
    fields = {str(name).lower(): value for name, value in entry.items()}
    display = fields.get("displaysettings") or {}
    default = fields.get("defaultvalue")
    if isinstance(default, Mapping):  # clients send {"HasValue", "NewValue"} for secrets
        default = {str(name).lower(): inner for name, inner in default.items()}.get("newvalue")
    texts = {name: fields.get(name) or "" for name in ("id", "name", "label", "helptext")}
    if not isinstance(display, Mapping) or not all(isinstance(t, str) for t in texts.values()):
        raise Invalid(fields={"Templates": ["A template has texts and an object DisplaySettings."]})
    name = texts["name"].strip()
    if not name or len(name) > _LONGEST:
        problem = f"A template needs a name of 1 to {_LONGEST} characters."
        raise Invalid(fields={"Templates": [problem]})
    shown = {str(key): str(value) for key, value in display.items()}
    without = {SENSITIVE: "a secret", **dict.fromkeys(REFERENCE_CONTROLS, "an account")}
    without |= {"Certificate": "a certificate", "WorkerPool": "a worker pool"}
    if (what := without.get(shown.get(CONTROL_TYPE, ""))) and default:
        problem = f"The template '{name}' is for {what}, which has no default."
        raise Invalid(fields={"Templates": [problem]})
    return {
        "Id": texts["id"][:100] or str(uuid4()),
        "Name": name,
        "Label": texts["label"],
        "HelpText": texts["helptext"],
        "DefaultValue": str(default) if default not in (None, "") else None,
        "DisplaySettings": shown,
    }
