"""What a caller says about one variable, and what makes it acceptable."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agent.contracts.script_modules import body_name, language_name
from deployments.library.scoping import DIMENSIONS
from deployments.library.script_modules import ScriptModule
from deployments.library.variable_templates import CONTROL_TYPE, SELECT_OPTIONS, options_of

KINDS: Final = (
    "String",
    "Sensitive",
    "Certificate",
    "AmazonWebServicesAccount",
    "AzureAccount",
    "GoogleCloudAccount",
    "UsernamePasswordAccount",
    "GenericOidcAccount",
    "TokenAccount",
    "SshKeyPairAccount",
    "WorkerPool",
)
# Library sets belong to no project, so steps, channels and processes mean nothing there.
LIBRARY_DIMENSIONS: Final = ("Environment", "Machine", "Role", "TenantTag")
MAX_NAME: Final = 1000
MAX_ID: Final = 36


@dataclass(frozen=True, slots=True)
class VariableInput:
    """One variable as it shall be. `value` None keeps a sensitive value; `id` may be empty."""

    name: str
    value: str | None = None
    id: str = ""
    kind: str = "String"
    is_sensitive: bool = False
    description: str = ""
    scope: Mapping[str, Sequence[str]] = field(default_factory=dict)
    prompt: Mapping[str, Any] | None = None

    def normal(self) -> "VariableInput":
        """Return the same with kind and sensitivity in agreement and empty scopes left out."""
        sensitive = self.is_sensitive or self.kind == "Sensitive"
        kind = "Sensitive" if sensitive else self.kind or "String"
        scope = {name: list(dict.fromkeys(v)) for name, v in self.scope.items() if v}
        return replace(self, name=self.name.strip(), is_sensitive=sensitive, kind=kind, scope=scope)


def problems_of(variable: VariableInput, dimensions: Sequence[str] = DIMENSIONS) -> Iterator[str]:
    """Yield what is wrong with the variable, as sentences."""
    shown = variable.name.replace("\0", "?") or "A variable"
    if not variable.name:
        yield "A variable must have a name."
    elif len(variable.name) > MAX_NAME:
        yield f"The name of a variable may have at most {MAX_NAME} characters."
    if "\0" in variable.name or "\0" in (variable.value or ""):
        yield f"{shown}: neither name nor value may have a NUL character."
    if len(variable.id) > MAX_ID:
        yield f"{shown}: an id may have at most {MAX_ID} characters."
    if variable.kind not in KINDS:
        yield f"{shown}: the type '{variable.kind}' is not one of {', '.join(KINDS)}."
    for dimension in variable.scope:
        if dimension not in dimensions:
            yield f"{shown}: values cannot be scoped to '{dimension}'."
    display = (variable.prompt or {}).get("display_settings") or {}
    if display.get(CONTROL_TYPE) == "Select" and not options_of(
        str(display.get(SELECT_OPTIONS) or "")
    ):
        yield f"{shown}: what is asked for as a choice needs choices, one a line."


def module_variables(name: str, module: ScriptModule) -> list[VariableInput]:
    """Return the variables that make a script module of this name."""
    return [
        VariableInput(body_name(name), module.body, id=module.body_id),
        VariableInput(language_name(name), module.language, id=module.language_id),
    ]
