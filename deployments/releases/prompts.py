"""The prompts of a deployment: which are asked, and whether the answers will do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deployments.base.errors import Invalid
from deployments.library.scoping import Candidate, ScopeContext, resolve_all
from deployments.library.variable_templates import problems_of_choice
from deployments.releases.models import Frozen
from deployments.releases.variables import prompts_of, tenant_context
from tenants.queries import TenantScope

_LATER: Final = frozenset({"Action", "Machine", "Role"})


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question asked when a deployment is created. `default` is empty for a sensitive one.

    `kind` is the type of the variable: where that is a thing of the space, its id is the answer.
    """

    id: str
    name: str
    label: str
    description: str
    is_required: bool
    is_sensitive: bool
    has_value: bool
    default: str
    display: Mapping[str, str]
    kind: str = "String"


def prompts_for(
    frozen: Frozen, *, environment: str, tenant: TenantScope | None = None
) -> list[Prompt]:
    """Return the prompts of the values that apply in the environment, by label.

    A prompt limited to an action or a target is asked as well, because those come into play later.
    """
    asked = prompts_of(frozen)
    context = ScopeContext(
        environment=environment,
        channel=frozen.channel_scope or None,
        process_owner=frozen.process_owner,
        project=f"Projects-{frozen.project_id}",
        **tenant_context(tenant),
    )
    candidates = [candidate for _, candidate in asked]
    winners = resolve_all([_loosened(candidate) for candidate in candidates], context)
    chosen = {winner.candidate.id for winner in winners.values()}
    prompts = []
    for document, candidate in asked:
        if candidate.id not in chosen:
            continue
        prompt = document["prompt"] or {}
        prompts.append(
            Prompt(
                id=candidate.id,
                name=candidate.name,
                label=str(prompt.get("label") or candidate.name),
                description=str(prompt.get("description") or ""),
                is_required=bool(prompt.get("required")),
                is_sensitive=candidate.is_sensitive,
                has_value=bool(candidate.sealed or candidate.value),
                default="" if candidate.is_sensitive else candidate.value or "",
                display=_display(prompt.get("display_settings")),
                kind=document["kind"],
            )
        )
    return sorted(prompts, key=lambda prompt: (prompt.label.lower(), prompt.name.lower()))


def given_answers(sent: Mapping[str, object]) -> dict[str, str]:
    """Return the answers as texts; null answers nothing, as it stands in what was read back."""
    return {name: str(value) for name, value in sent.items() if value is not None}


def checked_answers(prompts: list[Prompt], given: Mapping[str, str]) -> dict[str, str]:
    """Return the answers by variable name; raises Invalid for unknown and missing ones.

    The answer to a Select is one of its choices, or what it proposes.
    """
    by_key = {key.lower(): prompt for prompt in prompts for key in (prompt.id, prompt.name)}
    errors = []
    answers: dict[str, str] = {}
    for key, text in given.items():
        prompt = by_key.get(key.lower())
        if prompt is None:
            errors.append(f"There is no prompted variable '{key}' for this deployment.")
        else:
            answers[prompt.name] = text
    for prompt in prompts:
        answer = answers.get(prompt.name)
        missing = not prompt.has_value if answer is None else not answer.strip()
        if prompt.is_required and missing:
            errors.append(f"The variable '{prompt.label}' needs a value.")
        elif answer is not None and answer != prompt.default:
            errors += problems_of_choice(prompt.label, prompt.display, answer)
    if errors:
        raise Invalid(*errors)
    return answers


def _loosened(candidate: Candidate) -> Candidate:
    scope = {name: values for name, values in candidate.scope.items() if name not in _LATER}
    return candidate._replace(scope=scope)


def _display(document: object) -> dict[str, str]:
    if not isinstance(document, Mapping):
        return {}
    return {str(name): str(value) for name, value in document.items()}
