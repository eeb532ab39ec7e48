"""Tenants of the sample: a project that is deployed for branches, in rings and regions."""

from collections.abc import Mapping
from datetime import timedelta

from deployments.base.actor import Actor
from deployments.base.clock import utc_now
from deployments.infrastructure.models import Environment
from deployments.library.models import LibraryVariableSet
from deployments.library.services import VariableInput
from deployments.projects.models import Lifecycle, Project
from deployments.projects.services.projects import set_project_extra
from deployments.releases.services import create_deployment
from deployments.releases.services.freezes import FreezeInput, FreezePlace, create_freeze
from tenants.services.tag_sets import TagInput, TagSetInput, create_tag_set
from tenants.services.variables import CommonInput, ValueInput, set_common_values, set_values
from tests.browser.samples.credentials import make_credentials
from tests.browser.samples.runbooks import make_runbooks
from tests.factories import default_space
from tests.factories.domain import finish, make_group, make_release, script_step
from tests.factories.library import make_library_set, make_script_module
from tests.factories.tenants import make_tenant, make_tenanted_project

_TEMPLATES = [
    {"Id": "database", "Name": "Branch.Database", "Label": "Database"},
    {"Id": "theme", "Name": "Branch.Theme", "Label": "Theme", "DefaultValue": "harbour"},
    {
        "Id": "key",
        "Name": "Branch.ApiKey",
        "Label": "API key",
        "HelpText": "From the branch's own account.",
        "DisplaySettings": {"Octopus.ControlType": "Sensitive"},
    },
]
_BRANCHES = {
    "Aarhus": ("Ring/Early", "Region/North"),
    "Bergen": ("Ring/Early", "Region/North"),
    "Cadiz": ("Ring/Late", "Region/South"),
    "Dubrovnik": ("Ring/Late", "Region/South"),
    "Eger": ("Ring/Late",),
}
_COLORS = {"Early": "#1F8A70", "Late": "#B5651D", "North": "#2F6FDE", "South": "#C2452D"}


_COMMON = [
    {
        "Id": "alias",
        "Name": "Branch.Alias",
        "Label": "Short name",
        "HelpText": "Part of host names and of the sender of e-mails.",
    },
    {"Id": "zone", "Name": "Branch.TimeZone", "Label": "Time zone", "DefaultValue": "Europe/Oslo"},
]

WAIT_FOR_PORT = """\
# wait_for_port 8080: until something listens there, for half a minute.
wait_for_port() {
    for _ in $(seq 30); do
        (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null && return
        sleep 1
    done
    fail_step "Nothing listens at port $1."
}
"""


def _share_variables(places: Mapping[str, Environment], project: Project) -> LibraryVariableSet:
    """Make a library set that the project includes, and a script module."""
    production = {"Environment": [places["Production"].public_id]}
    mail = make_library_set(
        "Company mail",
        VariableInput("Mail.Host", "mail.test.internal"),
        VariableInput("Mail.Host", "mail.internal", scope=production),
        VariableInput("Mail.Password", "not shown", is_sensitive=True),
        templates=_COMMON,
        projects=[project],
    )
    make_script_module("Wait for port", WAIT_FOR_PORT, projects=[project])
    make_credentials(places)
    return mail


def make_tenants(places: Mapping[str, Environment], lifecycle: Lifecycle, actor: Actor) -> None:
    """Make the tag sets, the branches and a release that some of them have."""
    space = default_space()
    for name, tags in {"Ring": ("Early", "Late"), "Region": ("North", "South")}.items():
        rows = [TagInput(tag, _COLORS[tag]) for tag in tags]
        create_tag_set(actor=actor, space=space, tag_set=TagSetInput(name, rows))
    project = make_tenanted_project(
        "Branch Portal", lifecycle=lifecycle, group=make_group("Branches"), steps=[script_step()]
    )
    set_project_extra(actor=actor, row=project, extra={"Templates": _TEMPLATES})
    shared = _share_variables(places, project)
    both = [places["Test"], places["Production"]]
    make_runbooks(project, places)
    tenants = [
        make_tenant(name, *tags, connections={project: both}, description=f"The {name} branch")
        for name, tags in _BRANCHES.items()
    ]
    for tenant in tenants[:3]:
        values = [
            ValueInput(project, place, template, f"{tenant.name.lower()}-{place.slug}")
            for place in both
            for template in ("database", "key")
        ]
        set_values(actor=actor, tenant=tenant, values=values)
        common = [CommonInput(shared, "alias", tenant.name.lower()[:3])]
        set_common_values(actor=actor, tenant=tenant, values=common)
    start = utc_now() + timedelta(days=3)
    create_freeze(
        actor=actor,
        space=space,
        freeze=FreezeInput(
            "Stocktaking",
            start,
            start + timedelta(hours=12),
            [FreezePlace(project, places["Production"], tenant.pk) for tenant in tenants[:2]],
            recurrence={"Type": "Monthly", "Unit": 3, "DateOfMonth": "1"},
        ),
    )
    release = make_release(project, "1.4.0")
    for tenant in tenants[:2]:
        finish(
            create_deployment(
                actor=actor, release=release, environment=places["Test"], tenant=tenant
            )
        )
