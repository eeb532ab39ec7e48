"""How the server is told to reach targets and workers: the wire's endpoints, checked."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.infrastructure.models import Machine, Worker
from deployments.library.models import Account
from deployments.library.services.references import visible_references
from deployments.library.uses import Use

STYLES: Final = (
    "None",
    "TentaclePassive",
    "TentacleActive",
    "Ssh",
    "OfflineDrop",
    "AzureWebApp",
    "Kubernetes",
    "KubernetesTentacle",
    "StepPackage",
)
_ACCOUNT: Final = "AccountId"
# With what one signs in by SSH.
_FOR_SSH: Final = ("SshKeyPair", "UsernamePassword")


def checked_endpoint(
    actor: Actor, space: Space, endpoint: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the endpoint without links; raises Invalid for a style or account that is not there.

    The account that is `stored` already may be one that the actor does not see.
    """
    style = endpoint.get("CommunicationStyle") or "TentacleActive"
    if style not in STYLES:
        raise Invalid(fields={"Endpoint": [f"'{style}' is not one of {', '.join(STYLES)}."]})
    account = endpoint.get(_ACCOUNT)
    known = stored.get(_ACCOUNT), stored.get("CommunicationStyle")
    if account and (account, style) != known:
        _require_account(actor, space, style, account)
    kept = {name: value for name, value in endpoint.items() if name != "Links"}
    return {**kept, "CommunicationStyle": style}


def _require_account(actor: Actor, space: Space, style: str, text: Any) -> None:
    found = visible_references(actor, space, [text]) if isinstance(text, str) else {}
    row = found.get(str(text))
    if not isinstance(row, Account):
        problem = f"There is no account '{str(text)[:100]}' that you may see."
    elif style == "Ssh" and row.account_type not in _FOR_SSH:
        problem = f"{row} is a {row.account_type}; SSH takes one of {', '.join(_FOR_SSH)}."
    else:
        return
    raise Invalid(fields={_ACCOUNT: [problem]})


def endpoints_naming(actor: Actor, space: Space, public_id: str) -> Iterator[Use]:
    """Yield the targets and workers whose endpoints name an account."""
    yield from _naming(actor, space, public_id, Machine, Permission.MachineView)
    yield from _naming(actor, space, public_id, Worker, Permission.WorkerView)


def _naming(
    actor: Actor,
    space: Space,
    public_id: str,
    model: type[Machine] | type[Worker],
    permission: Permission,
) -> Iterator[Use]:
    rows: Any = model.objects.in_space(space)
    named = list(rows.filter(**{f"endpoint__{_ACCOUNT}": public_id}))
    if not named:
        return
    seen: Any = model.objects.visible_to(actor, space, permission)
    mine = set(seen.filter(pk__in=[row.pk for row in named]).values_list("pk", flat=True))
    what, kind, path = (
        ("target", "Targets", "targets") if model is Machine else ("worker", "Workers", "workers")
    )
    for row in named:
        yield Use(
            kind=kind,
            id=row.public_id,
            name=row.name,
            words=f"the {what} {row.name}",
            path=f"infrastructure/{path}/{row.public_id}",
            is_visible=row.pk in mine,
            wire={"TargetId": row.public_id, "TargetName": row.name} if model is Machine else {},
        )
