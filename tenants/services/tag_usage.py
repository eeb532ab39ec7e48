"""What uses a tag, so that it can neither go nor change its name or what it is for."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from deployments.access.models import RoleScope
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.infrastructure.models import Machine
from deployments.library.queries import restricted_to_tag, variables_naming
from deployments.projects.models import Channel, DeploymentProcess, ProjectTrigger, Runbook
from deployments.projects.queries import read_process
from tenants.matching import canonical_name
from tenants.models import Tag, TagSet, TenantTag
from tenants.usage import registered_tag_uses

_MOST_SHOWN: Final = 5


class Scope(StrEnum):
    """What the tags of a set are for; the words of the wire."""

    TENANT = "Tenant"
    RUNBOOK = "Runbook"


def require_unused(
    space: Space, canonical: str, wish: str, scopes: Collection[Scope] = tuple(Scope)
) -> None:
    """Raise Invalid that names what uses the tag; `wish` says what cannot be done to it."""
    found = (use for scope in scopes for use in _USES[scope](space, canonical))
    uses = list(dict.fromkeys(found))
    if uses:
        more = f" and {len(uses) - _MOST_SHOWN} more" if len(uses) > _MOST_SHOWN else ""
        raise Invalid(
            f"The tag '{canonical}' cannot be {wish} because it is used by"
            f" {', '.join(uses[:_MOST_SHOWN])}{more}."
        )


def require_deletable(row: TagSet, tag: Tag, set_name: str) -> None:
    """Raise Invalid when a tenant carries the tag or something names it."""
    canonical = canonical_name(set_name, tag.name)
    _require_no_tenant(tag, canonical, "deleted")
    require_unused(row.space, canonical, "deleted")


def require_unused_for(row: TagSet, set_name: str, scopes: Collection[str]) -> None:
    """Raise Invalid when a tag of the set is in use for what the set shall not be any more."""
    for scope in map(Scope, scopes):
        wish = f"taken away from {scope.lower()}s"
        for tag in row.tags.all():
            canonical = canonical_name(set_name, tag.name)
            if scope is Scope.TENANT:
                _require_no_tenant(tag, canonical, wish)
            require_unused(row.space, canonical, wish, [scope])


def require_single(row: TagSet) -> None:
    """Raise Invalid when the set allows one tag at most and something carries two."""
    if row.kind != TagSet.Kind.SINGLE_SELECT:
        return
    carried = TenantTag.objects.filter(tag__tag_set=row)
    tenants = Counter(carried.values_list("tenant_id", flat=True))
    names = {canonical_name(row.name, tag.name) for tag in row.tags.all()}
    runbooks = Runbook.objects.in_space(row.space).values_list("settings", flat=True)
    if any(count > 1 for count in tenants.values()):
        who = "A tenant"
    elif any(len(names.intersection(each.get("RunbookTags", ()))) > 1 for each in runbooks):
        who = "A runbook"
    else:
        return
    problem = f"{who} carries several tags of this set; it must stay MultiSelect."
    raise Invalid(fields={"Type": [problem]})


def _require_no_tenant(tag: Tag, canonical: str, wish: str) -> None:
    holders = TenantTag.objects.filter(tag=tag).select_related("tenant").order_by("tenant__name")
    first = holders.first()
    if first is not None:
        others = holders.count() - 1
        more = f" and {others} more" if others else ""
        raise Invalid(
            f"The tag '{canonical}' cannot be {wish} because it is used by the tenant"
            f" '{first.tenant.name}'{more}."
        )


def _for_tenants(space: Space, canonical: str) -> Iterator[str]:
    wanted = canonical.lower()
    for variable in variables_naming(space, "TenantTag", canonical):
        yield f"the variable '{variable.name}' of {variable.variable_set.owner_id}"
    processes = DeploymentProcess.objects.in_space(space).select_related("project")
    for process in processes:
        for _, action in read_process(process).actions():
            if wanted in {name.lower() for name in action.tenant_tags}:
                yield f"the step '{action.name}' of {process.project.name}"
    for channel in Channel.objects.in_space(space).select_related("project"):
        if wanted in {str(name).lower() for name in channel.extra.get("TenantTags") or ()}:
            yield f"the channel '{channel.name}' of {channel.project.name}"
    yield from _served(space, canonical)
    roles = RoleScope.objects.filter(
        kind=RoleScope.Kind.TENANT_TAG, object_id__iexact=canonical, scoped_role__space=space
    )
    for scope in roles.select_related("scoped_role__team"):
        yield f"a role of the team '{scope.scoped_role.team.name}'"
    for trigger in _triggers(space):
        if _names(trigger.action, "TenantTags", wanted):
            yield f"the trigger '{trigger.name}' of {trigger.project.name}"
    yield from registered_tag_uses(space, canonical)


def _served(space: Space, canonical: str) -> Iterator[str]:
    """Yield what is for the tenants with the tag."""
    wanted = canonical.lower()
    for machine in Machine.objects.in_space(space).exclude(tenant_tags=[]):
        if wanted in {str(name).lower() for name in machine.tenant_tags}:
            yield f"the deployment target '{machine.name}'"
    for row in restricted_to_tag(space, canonical):
        yield f"the {row.kind_word} '{row}'"


def _for_runbooks(space: Space, canonical: str) -> Iterator[str]:
    wanted = canonical.lower()
    for runbook in Runbook.objects.in_space(space).select_related("project"):
        if _names(runbook.settings, "RunbookTags", wanted):
            yield f"the runbook '{runbook.name}' of {runbook.project.name}"
    for trigger in _triggers(space):
        if _names(trigger.action, "RunbookTags", wanted):
            yield f"the trigger '{trigger.name}' of {trigger.project.name}"


_USES: Final[Mapping[Scope, Callable[[Space, str], Iterator[str]]]] = {
    Scope.TENANT: _for_tenants,
    Scope.RUNBOOK: _for_runbooks,
}


def _triggers(space: Space) -> Iterator[ProjectTrigger]:
    return ProjectTrigger.objects.in_space(space).select_related("project").iterator()


def _names(document: Mapping[str, Any], key: str, wanted: str) -> bool:
    return wanted in {str(name).lower() for name in document.get(key) or ()}
