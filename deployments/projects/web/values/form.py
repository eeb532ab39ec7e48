"""The form of one value: what it shows, and what it means when it is sent."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from deployments.access.web.forms import checked
from deployments.access.web.pages import PageRequest
from deployments.library.models import Variable
from deployments.library.services import variables as services
from deployments.library.variable_templates import CONTROL_TYPE, CONTROLS, SELECT_OPTIONS
from deployments.library.variable_templates import SENSITIVE as SECRET_CONTROL
from deployments.projects.web.values.kinds import KINDS, SENSITIVE, TEXT, words_of
from deployments.projects.web.variable_owner import Surroundings

_SCOPED: Final = (
    *("Environment", "Role", "Machine", "Action", "Channel", "TenantTag"),
    "ProcessOwner",
)
PROMPT_CONTROLS: Final[Sequence[tuple[str, str]]] = [
    (name, words) for name, words in dict(CONTROLS).items() if name != SECRET_CONTROL
]


def form_of(stored: Variable) -> dict[str, Any]:
    """Return what the form shows of a stored value; nothing of a secret."""
    return {
        "id": stored.guid,
        "name": stored.name,
        "value": stored.value or "",
        "kind": stored.kind,
        "description": stored.description,
        "scope": stored.scope,
        "has_secret": stored.is_sensitive,
        **_shown_prompt(stored.prompt),
        **_shown_kinds(stored.kind),
    }


def new_form(name: str) -> dict[str, Any]:
    """Return an empty form, for another value of the name or a new one."""
    return {"id": "", "name": name, "kind": TEXT, "scope": {}, **_shown_kinds(TEXT)}


def form_again(sent: services.VariableInput, guid: str, stored: Variable | None) -> dict[str, Any]:
    """Return the form with what was sent, after it was refused; never with a secret."""
    return {
        "id": guid,
        "name": sent.name,
        "value": "" if sent.is_sensitive else sent.value,
        "kind": sent.kind,
        "description": sent.description,
        "scope": sent.scope,
        "has_secret": bool(stored and stored.is_sensitive),
        **_shown_prompt(sent.prompt),
        **_shown_kinds(sent.kind),
    }


def sent_value(request: PageRequest, stored: Variable | None) -> services.VariableInput:
    """Return the value that the form means; what it does not show stays."""
    kind = request.POST.get("kind") or TEXT
    is_sensitive = kind == SENSITIVE
    # A secret that is left empty, or a text that becomes one, keeps what is stored.
    text = request.POST.get(_field_of(kind), "").replace("\r\n", "\n")
    keeps = is_sensitive and stored is not None and not text
    scope = dict(stored.scope) if stored else {}
    scope |= {name: request.POST.getlist(f"scope:{name}") for name in _SCOPED}
    return services.VariableInput(
        name=request.POST.get("name", ""),
        value=None if keeps else text,
        kind=kind,
        is_sensitive=is_sensitive,
        description=request.POST.get("description", ""),
        scope=scope,
        prompt=_sent_prompt(request, kind, (stored.prompt if stored else None) or {}),
    )


def scope_choices(
    around: Surroundings, held: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return what the value can be scoped to, and what it is scoped to already.

    What the reader does not see, or what is gone, would else be dropped when the value is saved,
    which would then count in more places.
    """
    found = []
    for dimension, heading, options in around.choices():
        known = {value for value, _ in options}
        more = [(value, value) for value in held.get(dimension, ()) if value not in known]
        found.append((dimension, heading, [*options, *more]))
    return found


def _field_of(kind: str) -> str:
    """Return the field that holds the value: texts, secrets and choices have one each."""
    if kind == SENSITIVE:
        return "secret"
    known = KINDS.get(kind)
    return f"choice:{kind}" if known and known.options else "value"


def _sent_prompt(
    request: PageRequest, kind: str, stored: Mapping[str, Any]
) -> dict[str, Any] | None:
    if not checked(request, "is_prompted"):
        return None
    display = dict(stored.get("display_settings") or {})
    display.pop(SELECT_OPTIONS, None)
    display[CONTROL_TYPE] = request.POST.get("prompt_control", "") if kind == TEXT else kind
    if display[CONTROL_TYPE] == "Select":
        display[SELECT_OPTIONS] = request.POST.get("prompt_options", "").replace("\r\n", "\n")
    return {
        "label": request.POST.get("prompt_label", "").strip(),
        "description": request.POST.get("prompt_description", "").strip(),
        "required": checked(request, "prompt_required"),
        "display_settings": display,
    }


def _shown_prompt(prompt: Mapping[str, Any] | None) -> dict[str, Any]:
    display = (prompt or {}).get("display_settings") or {}
    return {
        "prompt": prompt,
        "prompt_control": display.get(CONTROL_TYPE) or PROMPT_CONTROLS[0][0],
        "prompt_options": display.get(SELECT_OPTIONS, ""),
    }


def _shown_kinds(kind: str) -> dict[str, Any]:
    """Return the types to choose from; one that clients set by REST stays possible."""
    kinds = {name: each.words for name, each in KINDS.items()}
    kinds.setdefault(kind, words_of(kind))
    written = [name for name in kinds if _field_of(name) == "value"]
    return {"kinds": kinds.items(), "written_kinds": " ".join(written)}
