"""Changing the master key: one secret at every place that holds sealed values, turned and read."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from django.apps import apps

from agent.contracts.sealing import seal_text
from deployments.access.models import User
from deployments.access.services.federation.identity_providers import (
    ProviderInput,
    create_provider,
)
from deployments.access.services.second_factors import begin_app
from deployments.audit.services.archiving import archive_days
from deployments.audit.services.keeping import check_archive
from deployments.audit.services.subscriptions import SubscriptionValues, create_subscription
from deployments.base.models import Event
from deployments.base.resealing import sealed_columns
from deployments.base.resealing.columns import is_sealed_by_its_name
from deployments.base.secrets import SecretBox, secret_box
from deployments.base.services.resealing import Resealed, reseal
from deployments.base.settings_rows import opened_settings, set_secret_setting
from deployments.execution.services.outputs import open_value, output_key, record_outputs
from deployments.execution.services.situation import open_manifest
from deployments.infrastructure.services.gateway_certificate import server_context
from deployments.library.services import VariableInput
from deployments.library.values import open_candidate
from deployments.projects.services.projects import set_project_extra
from packages_feed.services.external_feeds import FeedValues, create_feed
from tenants.services.variables import CommonInput, ValueInput, set_common_values, set_values
from tests.architecture.tree import code_modules
from tests.deployments.access.test_every_route import filled, reading_routes_of_spaces
from tests.factories import SYSTEM, default_space, make_ana
from tests.factories.automation import make_trigger
from tests.factories.certificates import make_certificate, site
from tests.factories.children import World, child_step
from tests.factories.domain import make_project, make_variables, script_step
from tests.factories.execution import Scene, SettableClock, make_scene
from tests.factories.library import make_account, make_library_set
from tests.factories.people import as_person
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.factories.tenants import make_tenant, make_tenanted_project
from tests.security.tables import rows_of
from tests.support.portal import Visitor

CANARY: Final = "canary-5e2b"
OLD, NEW, OTHER = b"a" * 32, b"b" * 32, b"c" * 32
TEMPLATE: Final = {
    "Id": "key",
    "Name": "Key",
    "DisplaySettings": {"Octopus.ControlType": "Sensitive"},
}
# Where a value is sealed, and which column (or setting) it lies in.
SEALS: Final = {
    "deployments/base/secrets.py": "the box itself",
    "deployments/access/services/second_factors.py": "access.authenticator.sealed_secret",
    "deployments/access/providers/code_flow.py": "a cookie of ten minutes",
    "deployments/access/services/federation/identity_providers.py": "access.identityprovider"
    ".sealed_secret",
    "deployments/base/settings_rows.py": "base.serversetting.value",
    "octopus_site/seed.py": "base.serversetting.value",
    "deployments/infrastructure/services/gateway_certificate.py": "base.serversetting.value",
    "deployments/library/services/variables.py": "library.variable.sealed_value",
    "deployments/library/services/accounts.py": "library.account.sealed_secrets",
    "deployments/library/certificates/stored.py": "library.certificate.sealed_file",
    "deployments/library/services/copying.py": "library.variable.sealed_value",
    "deployments/projects/process/sealing.py": "projects.deploymentprocess.steps",
    "deployments/releases/variables.py": "releases.deployment.options",
    "deployments/execution/sealed.py": "execution.executionplan.sealed_variables",
    "deployments/execution/services/situation.py": "execution.executionplan.sealed_variables",
    "deployments/execution/services/mailbox.py": "execution.agentmessage.sealed_body",
    "deployments/execution/services/outputs.py": "execution.outputvariable.sealed_value",
    "deployments/execution/services/server_actions/run.py": "execution.outputvariable.sealed_value",
    "deployments/audit/models/archive.py": "audit.eventarchive.sealed_link",
    "deployments/audit/services/subscriptions.py": "audit.subscription.sealed_header",
    "deployments/projects/services/repositories.py": "projects.watchedrepository.sealed_password",
    "packages_feed/services/external_feeds.py": "packages_feed.feed.sealed_password",
    "tenants/services/variables.py": "tenants.tenantvariable.sealed_value",
}


@pytest.fixture
def use_keys(settings: Any) -> Iterator[Any]:
    """Give a function that starts the server's secrets with other keys."""
    given = settings.OCTOPUS

    def use(key: bytes, *others: bytes) -> None:
        settings.OCTOPUS = replace(given, master_key=key, other_master_keys=others)
        secret_box.cache_clear()

    # What the migrations have sealed comes first to the key that these tests begin with.
    use(OLD, given.master_key)
    yield use
    secret_box.cache_clear()


def fill_server() -> Scene:
    """Put the canary into every kind of place; returns the deployment that holds most of them."""
    set_secret_setting("smtp.password", CANARY)
    server_context()
    ana = make_ana()
    begin_app(actor=ana.actor, user=ana.user)
    provider = ProviderInput("Corporate", "https://login.test", "octopus")
    create_provider(actor=SYSTEM, provider=provider, secret=CANARY)
    create_feed(
        actor=SYSTEM,
        space=default_space(),
        feed_type="NuGet",
        values=FeedValues("Far", "https://feed.test/index.json", "ana", CANARY),
    )
    make_trigger(
        make_project(),
        {"FilterType": "GitFilter", "RepositoryUri": "https://git.test/a", "Branches": ["main"]},
        {"ActionType": "CreateRelease"},
        password=CANARY,
    )
    make_account(Username="ana", Password=CANARY)
    make_certificate(data=site().pfx(CANARY), password=CANARY)
    subscription = SubscriptionValues(name="Pager", header_name="X", header_value=CANARY)
    create_subscription(actor=SYSTEM, space=default_space(), values=subscription)
    tomorrow = SettableClock()
    tomorrow.forward(2 * 24 * 3600)
    archive_days(clock=tomorrow)
    world = World()
    _fill_tenant(world)
    _fill_child(world)
    step = script_step(roles="web")
    step["Actions"][0]["Properties"]["Secret"] = {"HasValue": True, "NewValue": CANARY}
    secret = VariableInput("Password", CANARY, is_sensitive=True)
    asked = VariableInput("Asked", "", is_sensitive=True, prompt={"label": "Asked"})
    scene = make_scene(
        step, variables=lambda _: [secret, asked], form_values={"Asked": f"{CANARY}!"}
    )
    (run,) = scene.runs()
    scene.output(run, "Token", CANARY, sensitive=True)
    runbook = make_runbook(scene.deployment.project)
    make_snapshot(runbook)
    make_run(runbook, scene.environment, form_values={"Asked": CANARY})
    return scene


def _fill_tenant(world: World) -> None:
    library_set = make_library_set("Common", templates=[TEMPLATE])
    project = make_tenanted_project("Web")
    extra = {"Templates": [TEMPLATE], "IncludedLibraryVariableSetIds": [library_set.public_id]}
    set_project_extra(actor=SYSTEM, row=project, extra=extra)
    tenant = make_tenant("Acme", connections={project: [world.place]})
    values = [ValueInput(project, world.place, "key", CANARY)]
    set_values(actor=SYSTEM, tenant=tenant, values=values)
    common = [CommonInput(library_set, "key", CANARY)]
    set_common_values(actor=SYSTEM, tenant=tenant, values=common)


def _fill_child(world: World) -> None:
    """Deploy a release whose step hands a secret over to another project's deployment."""
    step = child_step(world.child, Variables="Key = <#{Secret}>")
    project = make_project(lifecycle=world.life, steps=[step])
    make_variables(project, VariableInput("Secret", CANARY, is_sensitive=True))
    (child,) = world.children(world.deploy(project))
    assert child.deployment.options["passed_variables"]


def counted(found: list[Resealed]) -> tuple[int, int, int]:
    values = sum(each.values for each in found)
    return values, sum(each.changed for each in found), sum(len(each.unreadable) for each in found)


@pytest.mark.django_db
def test_every_secret_outlives_a_change_of_the_master_key(use_keys: Any) -> None:
    reseal(actor=SYSTEM)
    scene = fill_server()
    before = reseal(actor=SYSTEM, only_count=True)
    assert [each.name for each in before if not each.values] == []
    values, changed, unreadable = counted(before)
    assert (changed, unreadable) == (0, 0)

    use_keys(NEW, OLD)
    assert counted(reseal(actor=SYSTEM, only_count=True)) == (values, values, 0)
    assert counted(reseal(actor=SYSTEM)) == (values, values, 0)
    assert counted(reseal(actor=SYSTEM)) == (values, 0, 0)
    told = Event.objects.filter(message__contains=f"{values} secrets were sealed anew")
    assert told.count() == 1

    # A node that was not started again has sealed with the old key meanwhile.
    use_keys(OLD, NEW)
    set_secret_setting("smtp.password", f"{CANARY} 2")
    use_keys(NEW, OLD)
    assert counted(reseal(actor=SYSTEM)) == (values, 1, 0)

    use_keys(NEW)
    assert counted(reseal(actor=SYSTEM)) == (values, 0, 0)
    _check_what_is_read(scene)
    use_keys(OTHER)
    found = reseal(actor=SYSTEM)
    assert counted(found)[1] == 0
    assert all(each.unreadable for each in found)


def _check_what_is_read(scene: Scene) -> None:
    assert check_archive().is_intact
    assert opened_settings("smtp.")["smtp.password"] == f"{CANARY} 2"
    server_context()
    plan = scene.task.plan
    plan.refresh_from_db()
    values = {each.name: open_candidate(each) for each in open_manifest(plan).candidates}
    assert {name: str(value) for name, value in values.items()} == {
        "Password": "********",
        "Asked": "********",
    }
    assert values["Asked"].reveal() == f"{CANARY}!"  # type: ignore[union-attr]
    (run,) = scene.runs()
    assert scene.variables(run)["Password"] == CANARY
    (output,) = run.execution.outputs.all()
    assert open_value(output) == CANARY


@pytest.mark.django_db
def test_a_secret_lies_open_in_no_table_and_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    scene = fill_server()
    project = scene.deployment.project
    # What a release froze differs from what is there now, so that the differences are shown.
    make_variables(project, VariableInput("Password", f"{CANARY} new", is_sensitive=True))
    open_tables = {
        model._meta.label_lower
        for model in apps.get_models()
        for row in rows_of(model)
        if CANARY in repr(row)
    }
    assert open_tables == set()
    ana = as_person(User.objects.get(username="ana"))
    visitor, space = Visitor(ana), default_space().public_id
    for route in reading_routes_of_spaces():
        if "<" not in route.replace("<space:space>", ""):
            path = filled(route, space)
            answer: Any = ana.api.get(path)
            pieces = answer.streaming_content if answer.streaming else [answer.content]
            assert CANARY.encode() not in b"".join(pieces), path
    below = f"projects/{project.slug}"
    place = f"environment={scene.environment.public_id}"
    pages = [
        *("tasks", "dashboard", "administration/audit", "administration/outgoing"),
        *(f"{below}/variables{more}" for more in ("", "/text", "/export", f"/preview?{place}")),
        f"{below}/variables/tester?{place}",
        f"{below}/releases/1.0.0",
        f"{below}/releases/1.0.0/snapshot",
        f"{below}/process",
        f"tasks/{scene.task.public_id}",
    ]
    for page in pages:
        answer = visitor.get(page)
        assert answer.status_code == 200, page
        assert CANARY not in answer.content.decode(), page
    drift = visitor.get(f"{below}/releases/1.0.0").content.decode()
    assert "Variables changed since the snapshot" in drift
    tried = visitor.post(
        f"{below}/variables/tester?{place}", {"template": "<#{Password | ToUpper}>"}
    )
    assert CANARY.upper() not in tried.content.decode()
    assert CANARY not in caplog.text


@pytest.mark.django_db
def test_outputs_of_commands_from_before_are_understood(use_keys: Any) -> None:
    scene = make_scene(script_step(roles="web"))
    (run,) = scene.runs()
    scene.accept(run)
    sealed = seal_text(output_key(run.message_id), CANARY)
    use_keys(NEW, OLD)
    reseal(actor=SYSTEM)
    record_outputs({run.execution_id: [{"t": "output", "name": "Token", "sealed": sealed}]})
    (output,) = run.execution.outputs.all()
    assert open_value(output) == CANARY


def test_copies_that_were_the_same_stay_the_same() -> None:
    """Pages that compare snapshots would else tell of changes that nobody made."""
    old, new = SecretBox(OLD), SecretBox(NEW, (OLD,))
    first, second = old.seal(CANARY, place="p"), old.seal(CANARY, place="p")
    assert new.seal_anew(first, place="p") == new.seal_anew(first, place="p")
    assert new.seal_anew(first, place="p") != new.seal_anew(second, place="p")
    assert SecretBox(NEW).open(new.seal_anew(first, place="p"), place="p").reveal() == CANARY


def test_no_sealed_column_is_left_out() -> None:
    names = {column.name for column in sealed_columns()}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if is_sealed_by_its_name(field):
                assert f"{model._meta.label_lower}.{field.name}" in names
    assert {value for value in SEALS.values() if "." in value} <= names


def test_whatever_seals_is_known_to_the_rotation() -> None:
    """Every module that seals stands in SEALS, so a new one is thought of here."""
    sealing = {
        module.path
        for module in code_modules()
        if "seal" in module.text
        for node in ast.walk(module.tree())
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in {"seal", "seal_text"}
        and module.path.startswith(("deployments", "packages_feed", "tenants", "octopus_site"))
    }
    assert sealing == set(SEALS)
