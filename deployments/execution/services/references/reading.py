"""Reads what the variables of a plan name, and refuses what may not be used there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from deployments.base.errors import Invalid
from deployments.execution.manifest import Manifest, Reference, TokenRequest, Value
from deployments.execution.plan import Plan
from deployments.execution.references import subject_of, used_references
from deployments.library.models import RESTRICTED, Restricted
from deployments.library.queries import environment_numbers_of, tenant_numbers_of
from deployments.library.references import claims_of, parts_of, referenced, variable_type_of
from deployments.library.scoping import Candidate
from deployments.releases.models import Run, RunbookRun
from tenants.matching import target_takes_part
from tenants.queries import tenant_of

_KNOWN: Final = 100


@dataclass(frozen=True, slots=True)
class _Found:
    """An account or certificate with the environments and tenants, by number, that it is for."""

    row: Restricted
    environments: list[int]
    tenants: list[int]


def with_references(manifest: Manifest, plan: Plan, deployment: Run) -> Manifest:
    """Return the manifest with the accounts and certificates that its plan uses, as they are now.

    Raises Invalid for one that is gone, of another type, or not for the environment or tenant.
    """
    used = used_references(plan, manifest)
    if not used:
        return manifest
    found = _found(deployment, used)
    problems = [
        problem
        for public_id, variable in used.items()
        if (problem := _problem(deployment, manifest, variable, found.get(public_id)))
    ]
    if problems:
        raise Invalid(*problems)
    slugs = _slugs(deployment)
    references = {public_id: _reference(each.row, slugs) for public_id, each in found.items()}
    return replace(manifest, references=references)


def _reference(row: Restricted, slugs: Mapping[str, str]) -> Reference:
    parts = {part.name: Value(part.text, part.is_sensitive) for part in parts_of(row)}
    claims = claims_of(row)
    if claims is None:
        return Reference(parts)
    subject = subject_of(claims.subject_keys, {**slugs, "account": claims.account_slug})
    return Reference(parts, TokenRequest(claims.audience, subject))


def _found(deployment: Run, ids: Iterable[str]) -> dict[str, _Found]:
    """Return those of the rows that exist, by public id; three queries for each kind."""
    rows = referenced(deployment.space, ids)
    found: dict[str, _Found] = {}
    for model in RESTRICTED:
        mine = {public_id: row for public_id, row in rows.items() if isinstance(row, model)}
        environments = environment_numbers_of(mine.values())
        tenants = tenant_numbers_of(mine.values())
        for public_id, row in mine.items():
            found[public_id] = _Found(row, environments[row.pk], tenants[row.pk])
    return found


def _problem(deployment: Run, manifest: Manifest, variable: Candidate, found: _Found | None) -> str:
    """Return why the variable's account or certificate cannot be used here; empty: it can."""
    if found is None:
        text = (variable.value or "")[:_KNOWN]
        return f"The variable {variable.name} names {text}, which does not exist any more."
    row = found.row
    named = f"The {row.kind_word} {row}, which the variable {variable.name} names,"
    if variable_type_of(row) != variable.kind:
        return f"{named} is none for a variable of the type {variable.kind}."
    if found.environments and deployment.environment_id not in found.environments:
        return f"{named} may not be used in {deployment.environment.name}."
    takes_part = target_takes_part(
        row.tenanted_participation,
        tenants={f"Tenants-{number}" for number in found.tenants},
        tags=row.tenant_tags,
        tenant=manifest.tenant,
        carried=manifest.tenant_tags,
    )
    if takes_part:
        return ""
    return (
        f"{named} may not be used {'for this tenant' if manifest.tenant else 'without a tenant'}."
    )


def _slugs(deployment: Run) -> dict[str, str]:
    """Return what subjects name of a deployment or run."""
    is_run = isinstance(deployment, RunbookRun)
    tenant = tenant_of(deployment.space, deployment.tenant_number)
    return {
        "space": deployment.space.slug,
        "project": deployment.project.slug,
        "runbook": deployment.snapshot.runbook.slug if isinstance(deployment, RunbookRun) else "",
        "tenant": tenant.slug if tenant else "",
        "environment": deployment.environment.slug,
        "type": "runbook" if is_run else "deployment",
    }
