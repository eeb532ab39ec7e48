"""The channels of a project and their version rules."""

from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on, require_on
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    checked,
    go,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.errors import NotFound
from deployments.base.numbers import whole_number
from deployments.library.queries import variables_of
from deployments.projects.models import Channel, Lifecycle, Project
from deployments.projects.process import Process
from deployments.projects.queries import (
    channels_of,
    find_channel,
    find_lifecycle,
    process_of,
    read_process,
)
from deployments.projects.services import channels as services
from deployments.projects.tenant_tags import tenant_tags_of
from deployments.projects.web.rail import project_frame
from deployments.projects.web.rule_tester import RuleTest, newest_versions_of, try_rule

FIELDS: Final = "CustomFieldDefinitions"
_SEPARATOR = "\t"
# More rules than a form has are cut off.
_MOST_RULES: Final = 50
_MOST_CHARACTERS: Final = 350


@dataclass
class RuleForm:
    """One version rule as the form shows it; `packages` are action and reference in one text."""

    id: str = ""
    version_range: str = ""
    tag: str = ""
    packages: list[str] = field(default_factory=list)

    @property
    def is_blank(self) -> bool:
        return not (self.version_range.strip() or self.tag.strip() or self.packages)


@require_GET
@page(Permission.ProcessView)
def channel_list(request: PageRequest, project: str) -> HttpResponse:
    """List the channels."""
    row = find(request, Project, project, Permission.ProcessView)
    values = {
        **project_frame(request, row, "Channels"),
        "channels": channels_of(row).select_related("lifecycle"),
        "may_edit": allows_on(request.actor, row, Permission.ProcessEdit),
    }
    return show(request, "projects/channels.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.ProcessEdit)
def channel_new(request: PageRequest, project: str) -> HttpResponse:
    """Create a channel."""
    row = find(request, Project, project, Permission.ProcessView)
    require_on(request.actor, row, Permission.ProcessEdit)
    if request.method == "GET":
        return _form(request, row, None, Channel(space=row.space, project=row), [])
    return _save(request, row, None)


@require_http_methods(["GET", "POST"])
@page(Permission.ProcessView)
def channel_edit(request: PageRequest, project: str, channel: str) -> HttpResponse:
    """Show and change a channel."""
    row = find(request, Project, project, Permission.ProcessView)
    stored = find_channel(row, channel)
    if stored is None:
        raise NotFound
    if request.method == "GET":
        rules = [
            RuleForm(
                id=rule.get("Id", ""),
                version_range=rule.get("VersionRange", ""),
                tag=rule.get("Tag", ""),
                packages=[
                    f"{each['DeploymentAction']}{_SEPARATOR}{each['PackageReference']}"
                    for each in rule.get("ActionPackages", [])
                ],
            )
            for rule in stored.rules
        ]
        return _form(request, row, stored, stored, rules)
    return _save(request, row, stored)


@require_POST
@page(Permission.ProcessEdit)
def channel_delete(request: PageRequest, project: str, channel: str) -> HttpResponse:
    """Delete a channel."""
    row = find(request, Project, project, Permission.ProcessView)
    stored = find_channel(row, channel)
    if stored is None:
        raise NotFound
    return carry_out(
        request,
        lambda: services.delete_channel(actor=request.actor, row=stored),
        f"The channel {stored.name} was deleted.",
        to=f"projects/{row.public_id}/channels",
    )


def _save(request: PageRequest, project: Project, stored: Channel | None) -> HttpResponse:
    sent = request.POST
    rules = _sent_rules(sent)
    shown = Channel(
        space=project.space,
        project=project,
        name=sent.get("name", ""),
        description=sent.get("description", ""),
        is_default=checked(request, "is_default") or bool(stored and stored.is_default),
        lifecycle=find_lifecycle(request.space, sent.get("lifecycle", "")),
    )
    shown.extra = {**(stored.extra if stored else {}), FIELDS: _sent_fields(sent)}
    shown.extra["TenantTags"] = sent.getlist("tenant_tags")
    if sent.get("do") == "add-rule":
        return _form(request, project, stored, shown, [*rules, RuleForm()])
    if sent.get("do") == "test":
        return _form(request, project, stored, shown, rules)
    channel = services.ChannelInput(
        name=shown.name,
        description=shown.description,
        slug=stored.slug if stored else "",
        lifecycle=shown.lifecycle,
        is_default=shown.is_default,
        rules=[_wire(rule) for rule in rules if not rule.is_blank],
        extra=shown.extra,
    )

    def save() -> Channel:
        if stored is None:
            return services.create_channel(actor=request.actor, project=project, channel=channel)
        return services.update_channel(actor=request.actor, row=stored, channel=channel)

    saved, problems = attempt(save)
    if saved is None:
        return _form(request, project, stored, shown, rules, problems)
    messages.success(request, f"The channel {saved.name} was {'saved' if stored else 'created'}.")
    return go(request, f"projects/{project.public_id}/channels")


def _sent_rules(sent: QueryDict) -> list[RuleForm]:
    total = min(whole_number(sent.get("rules")) or 0, _MOST_RULES)
    return [
        RuleForm(
            id=sent.get(f"rule-{number}-id", ""),
            version_range=sent.get(f"rule-{number}-range", ""),
            tag=sent.get(f"rule-{number}-tag", ""),
            packages=sent.getlist(f"rule-{number}-packages"),
        )
        for number in range(total)
        if not sent.get(f"rule-{number}-removed")
    ]


def _wire(rule: RuleForm) -> dict[str, Any]:
    pairs = [text.partition(_SEPARATOR) for text in rule.packages]
    return {
        "Id": rule.id,
        "VersionRange": rule.version_range,
        "Tag": rule.tag,
        "ActionPackages": [
            {"DeploymentAction": action, "PackageReference": reference}
            for action, _, reference in pairs
        ],
    }


def _form(
    request: PageRequest,
    project: Project,
    stored: Channel | None,
    shown: Channel,
    rules: list[RuleForm],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    process = read_process(process_of(project))
    packages = [
        (
            f"{action.name}{_SEPARATOR}{package.name}",
            f"{action.name}: {package.package_id}" if package.package_id else action.name,
        )
        for _, action in process.actions()
        for package in action.packages
    ]
    may_edit = allows_on(request.actor, project, Permission.ProcessEdit)
    limits = shown.extra.get("TenantTags") or []
    values = {
        **project_frame(request, project, "Channels"),
        "stored": stored,
        "channel": shown,
        "rules": list(enumerate(rules)),
        "packages": packages,
        "fields": "\n".join(_field_line(entry) for entry in shown.extra.get(FIELDS) or ()),
        "tests": _tests(request, process, rules) if request.POST.get("do") == "test" else None,
        "try": request.POST.get("try", ""),
        "usage": _usage(process, stored) if stored else None,
        "tenant_tags": list(dict.fromkeys((*tenant_tags_of(request.space), *limits))),
        "limits": limits,
        "lifecycles": Lifecycle.objects.in_space(request.space),
        "may_edit": may_edit,
        "is_unsaved": bool(request.POST.get("do")),
        "may_delete": may_edit and stored is not None and not stored.is_default,
    }
    return show(request, "projects/channel.html", values, problems)


def _sent_fields(sent: QueryDict) -> list[dict[str, str]]:
    """Read one definition of a custom field a line: its name, a colon, what it means."""
    lines = [line.partition(":") for line in sent.get("fields", "").splitlines() if line.strip()]
    return [{"FieldName": name.strip(), "Description": words.strip()} for name, _, words in lines]


def _field_line(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    words = entry.get("Description", "")
    return f"{entry.get('FieldName', '')}: {words}" if words else entry.get("FieldName", "")


def _tests(request: PageRequest, process: Process, rules: list[RuleForm]) -> list[RuleTest]:
    """Try the rules on the version that was typed and on what the feed has."""
    typed = request.POST.get("try", "").strip()[:_MOST_CHARACTERS]
    ids = {
        f"{action.name}{_SEPARATOR}{package.name}": package.package_id
        for _, action in process.actions()
        for package in action.packages
    }
    may_look = request.grants.allows_anywhere(Permission.FeedView)
    stored = newest_versions_of(request.space, list(ids.values())) if may_look else {}
    tests = []
    for number, rule in enumerate(rules, start=1):
        if typed:
            tests.append(try_rule(number, rule.version_range, rule.tag, "", [typed]))
        for package_id in dict.fromkeys(ids.get(value, "") for value in rule.packages):
            versions = stored.get(package_id, [])
            tests.append(try_rule(number, rule.version_range, rule.tag, package_id, versions))
    return tests


def _usage(process: Process, channel: Channel) -> dict[str, Any]:
    """Return what is limited to the channel."""
    variable_set = channel.project.variable_set
    rows = variables_of(variable_set) if variable_set else []
    names = [row.name for row in rows if channel.public_id in (row.scope.get("Channel") or ())]
    return {
        "steps": [a.name for _, a in process.actions() if channel.public_id in a.channels],
        "variables": list(dict.fromkeys(names)),
    }
