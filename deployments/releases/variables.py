"""The variables of releases and deployments, ready for the resolver."""

from collections.abc import Iterable, Mapping
from typing import Any

from deployments.base.secrets import Secret, open_text, seal_text
from deployments.library.models import variable_place
from deployments.library.references import REFERENCE_TYPES
from deployments.library.scoping import (
    PASSED_RANK,
    PROMPTED_RANK,
    Candidate,
    ScopeContext,
    Winner,
    resolve_all,
)
from deployments.library.values import VariableDocument, candidate_of
from deployments.projects.queries import included_sets
from deployments.releases.models import Frozen, Run, VariableSetSnapshot
from deployments.releases.options import PassedVariable
from tenants.queries import TenantScope
from tenants.variables import tenant_candidates


def library_snapshots(frozen: Frozen) -> list[VariableSetSnapshot]:
    """Return the frozen library sets in the order in which the project included them."""
    numbers = [entry["number"] for entry in frozen.library_snapshots]
    if not numbers:
        return []
    found = VariableSetSnapshot.objects.in_space(frozen.space).in_bulk(numbers)
    return [found[number] for number in numbers]


def library_is_modified(frozen: Frozen) -> bool:
    """Whether the project includes other library sets now, or they have other values."""
    now = [(row.values.public_id, row.values.version) for row in included_sets(frozen.project)]
    return now != [(row.owner_id, row.version) for row in library_snapshots(frozen)]


def frozen_candidates(frozen: Frozen) -> list[Candidate]:
    """Return the frozen variables of the project, then those of its library sets."""
    rows = [frozen.variable_snapshot, *library_snapshots(frozen)]
    return [
        each for source, row in enumerate(rows) for each in snapshot_candidates(row, source=source)
    ]


def snapshot_candidates(snapshot: VariableSetSnapshot, *, source: int = 0) -> list[Candidate]:
    """Return the variables of a snapshot; open them with deployments.library.values."""
    return [
        _candidate(snapshot, position, document, source)
        for position, document in enumerate(snapshot.variables)
    ]


def _candidate(
    snapshot: VariableSetSnapshot, position: int, document: VariableDocument, source: int
) -> Candidate:
    place = variable_place(snapshot.owner_id, document["id"])
    return candidate_of(document, position=position, place=place, source=source)


def release_candidates(
    frozen: Frozen, environment: int, tenant: TenantScope | None
) -> list[Candidate]:
    """Return the frozen variables and what the tenant filled in, as it is now."""
    return [
        *frozen_candidates(frozen),
        *tenant_candidates(frozen.project, tenant, environment),
    ]


def deployment_candidates(deployment: Run) -> list[Candidate]:
    """Return what it resolves from: the frozen variables and the prompted values."""
    scope = TenantScope(deployment.tenant_number, "") if deployment.tenant_number else None
    candidates = release_candidates(deployment.frozen, deployment.environment_id, scope)
    answers = deployment.options.get("form_values") or {}
    prompted = prompted_candidates(answers, form_place(deployment), candidates)
    return [*candidates, *prompted, *_passed_candidates(deployment)]


def tenant_context(tenant: TenantScope | None) -> dict[str, Any]:
    """Return what a tenant adds to the scope in which values are asked for."""
    if tenant is None:
        return {}
    return {"tenant": tenant.public_id, "tenant_tags": frozenset(tenant.tags)}


def tenant_variables(tenant: TenantScope | None) -> dict[str, str]:
    """Return the system variables about the tenant; none without one."""
    if tenant is None:
        return {}
    return {
        "Octopus.Deployment.Tenant.Id": tenant.public_id,
        "Octopus.Deployment.Tenant.Name": tenant.name,
        "Octopus.Deployment.Tenant.Tags": ",".join(tenant.tags),
    }


def deployment_context(
    deployment: Run, tenant: TenantScope | None = None, **more: Any
) -> ScopeContext:
    """Return the deployment's scope; `more` adds action, machine, roles and target_roles."""
    return ScopeContext(
        **tenant_context(tenant),
        environment=f"Environments-{deployment.environment_id}",
        channel=deployment.frozen.channel_scope or None,
        process_owner=deployment.frozen.process_owner,
        project=f"Projects-{deployment.project_id}",
        **more,
    )


def prompted_candidates(
    answers: Mapping[str, Any], place: str, candidates: Iterable[Candidate]
) -> list[Candidate]:
    """Return prompted values (texts, or {"sealed"}) above every scope."""
    known = list(candidates)
    sensitive = {c.name.lower() for c in known if c.is_sensitive}
    kinds = {c.name.lower(): c.kind for c in known if c.kind in REFERENCE_TYPES}
    prompted = []
    for name, answer in answers.items():
        is_sealed = isinstance(answer, Mapping)
        prompted.append(
            Candidate(
                id=f"prompt:{name}",
                name=name,
                value=None if is_sealed else str(answer),
                kind=kinds.get(name.lower(), "String"),
                is_sensitive=is_sealed or name.lower() in sensitive,
                sealed=answer["sealed"] if is_sealed else None,
                place=f"{place}:{name}",
                extra_rank=PROMPTED_RANK,
            )
        )
    return prompted


def seal_passed(passed: Iterable[PassedVariable], deployment: Run) -> list[dict[str, Any]]:
    """Return the values that a parent hands over as they are stored."""
    return [
        {
            "name": each.name,
            "sealed": seal_text(each.text, place=passed_place(deployment, each.name)),
            "is_sensitive": each.is_sensitive,
        }
        for each in passed
    ]


def _passed_candidates(deployment: Run) -> list[Candidate]:
    return [
        Candidate(
            id=f"passed:{entry['name']}",
            name=entry["name"],
            value=None,
            is_sensitive=entry["is_sensitive"],
            sealed=entry["sealed"],
            place=passed_place(deployment, entry["name"]),
            extra_rank=PASSED_RANK,
        )
        for entry in deployment.options.get("passed_variables") or ()
    ]


def passed_place(deployment: Run, name: str) -> str:
    """Return what a value that a parent handed over is bound to."""
    return f"deployment-passed:{deployment.secret_place}:{name}"


def form_place(deployment: Run) -> str:
    """Return what the sensitive prompted values of a deployment are bound to."""
    return f"deployment-form:{deployment.secret_place}"


def seal_answers(
    answers: Mapping[str, str], place: str, candidates: Iterable[Candidate]
) -> dict[str, Any]:
    """Return the answers as they are stored: those to sensitive prompts sealed."""
    sensitive = {c.name.lower() for c in candidates if c.is_sensitive}
    return {
        name: {"sealed": seal_text(text, place=f"{place}:{name}")}
        if name.lower() in sensitive
        else text
        for name, text in answers.items()
    }


def open_answer(answer: Any, place: str, name: str) -> str | Secret:
    """Return one stored answer."""
    if isinstance(answer, Mapping):
        return open_text(answer["sealed"], place=f"{place}:{name}")
    return str(answer)


def plain_values(winners: Mapping[str, Winner]) -> dict[str, str | None]:
    """Return the values that are not sensitive."""
    return {
        name: winner.candidate.value
        for name, winner in winners.items()
        if not winner.candidate.is_sensitive
    }


def values_at_release(
    candidates: Iterable[Candidate], *, project: str, channel: str
) -> dict[str, str | None]:
    """Return what numbers, notes and package ids of a new release may use.

    Only unscoped and channel-scoped values are known there, and no sensitive ones.
    """
    context = ScopeContext(channel=channel, process_owner=project, project=project)
    return plain_values(resolve_all(candidates, context))


def prompts_of(frozen: Frozen) -> list[tuple[VariableDocument, Candidate]]:
    """Return the frozen prompted variables with their candidates."""
    return [
        (document, _candidate(row, position, document, source))
        for source, row in enumerate([frozen.variable_snapshot, *library_snapshots(frozen)])
        for position, document in enumerate(row.variables)
        if document.get("prompt")
    ]
