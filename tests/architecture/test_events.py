"""Every service that writes records an event, or stands here with the reason why not."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.architecture.tree import Module, code_modules

WRITES = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete"}
# Functions below the services that write rows.
WRITERS = {"insert_rows"}
_WAYS = ("record", "record_all", "record_news", "record_together")
RECORDS = {*_WAYS, *(f"events.{name}" for name in _WAYS)}

# Reason -> services, by app and module.
REASONS: dict[str, dict[str, str]] = {
    "a step of the engine; the deployment's start and end are the events": {
        "execution.artifacts/receiving": "receive_piece",
        "execution.logs/archive": "archive_log archive_logs",
        "execution.cancel_live": "abandon cancel_live close_questions send_cancels",
        "execution.carry_out": "cancel_executions skip_actions start_actions",
        "execution.failures": "ask_about_failures",
        "execution.lease": "claim renew settle",
        "execution.lost_agents": "settle_lost_agents",
        "execution.mailbox": "apply_accepted apply_cancel_ack apply_finished apply_rejected"
        " apply_started close_messages end_executions",
        "execution.newcomers": "take_in",
        "execution.outputs": "record_outputs",
        "execution.server_actions/given": "given_action",
        "execution.server_actions/following": "end_following",
        "execution.server_actions/run": "run_server_action settle_abandoned store_outputs",
        "packages_feed.asking": "refresh",
        "packages_feed.fetching": "fetch_package forget_unused want_package",
        "packages_feed.patches/keeping": "trim_patches",
        "packages_feed.patches/making": "make_wanted_patch",
        "packages_feed.patches/offering": "find_patch offer_patch",
        "execution.packages/files": "package_files",
        "execution.plan_deployment": "plan_deployment plan_runbook_run",
        "releases.packages": "refresh_feeds",
        "releases.automation/feeds": "ask_feeds",
        "execution.sweep": "end_left_behind expire_commands sweep",
        "server_tasks.moves": "move",
        "server_tasks.nodes": "claim_node report_node",
        "server_tasks.queue": "expire_queued schedule",
    },
    "part of another service, which records the whole": {
        "access.browser_sessions": "drop_sessions drop_sessions_of_provider",
        "access.federation/external_groups": "end_memberships",
        "access.federation/identity_providers": "seal_secret",
        "access.spaces": "seed_managers_team",
        "access.users": "insert_user",
        "access.teams": "new_team",
        "infrastructure.machines": "store_tenants",
        "infrastructure.policies": "seed_machine_policy",
        "infrastructure.workers": "seed_worker_pool",
        "library.copying": "copy_variables",
        "library.restrictions": "forget_tenant store_restrictions",
        "library.variables": "create_variable_set",
        "projects.groups": "seed_project_group",
        "projects.lifecycles": "seed_lifecycle",
        "projects.projects": "insert_project",
        "projects.renaming": "follow_renames",
        "projects.repositories": "keep_repository",
        "projects.resuming": "forget_packages resume_triggers",
        "execution.retention/deleting": "delete_tasks",
        "releases.editing": "remember_numbers",
        "releases.packages": "hold_selection",
        "releases.releases": "store_selection",
        "releases.snapshots": "freeze_library freeze_process freeze_variables",
        "server_tasks.cancel": "cancel_queued",
        "server_tasks.current": "delete_tasks mark_current",
        "server_tasks.enqueue": "enqueue",
        "tenants.connections": "replace_connections",
        "releases.queueing": "hold_queue_of queue_task",
        "packages_feed.blobs": "drop_after_commit drop_if_unused take_back",
        "packages_feed.feeds": "ensure_built_in_feed",
        "packages_feed.latest": "find_all_latest find_latest",
        "packages_feed.retention": "hold_numbers hold_versions",
    },
    "the server prepares itself; nobody asked for it": {
        "access.seeding": "seed_access",
        "infrastructure.gateway_certificate": "certificate_pem server_context thumbprint",
        "packages_feed.blobs": (
            "sweep_unused_blobs sweep_uploads take_away_damaged take_away_orphan"
        ),
        "releases.snapshots": "sweep_snapshots",
    },
    "keeps events themselves: their files, and who has seen them": {
        "audit.archiving": "archive_days archive_next_day empty_archived",
        "audit.delivering": "forget_deliveries",
        "audit.matching": "match_events",
        "base.removal": "remove_events",
    },
    "the deletion of the space is recorded": {
        "base.emptying": "empty_deleted_spaces look_again_at_deleted_spaces",
    },
    "a schedule; what the checks find is recorded when it changes": {
        "infrastructure.health": "queue_due_checks",
    },
    "a schedule; each deletion is recorded": {
        "execution.retention/asking": "queue_due_passes",
    },
    "made from events that were recorded": {
        "insights.outcomes": "count_deployment follow_ends",
    },
    "what automation decides is a log of its own; what it makes are events": {
        "projects.decisions": "forget_old_decisions log_decision",
        "projects.repositories": "look_soon",
        "releases.automation/acting": "plan_rollout put_off",
        "releases.automation/calls": "answer_calls call",
        "releases.automation/doing": "prepare",
        "releases.automation/lifecycles": "follow_lifecycle",
        "releases.automation/meant": "plan_for_tenants",
        "releases.automation/others": "follow_projects",
        "releases.automation/repositories": "watch_repositories",
        "releases.automation/scheduled": "run_due_schedules",
        "releases.automation/targets": "mark_targets",
    },
    "how the portal looks for oneself": {
        "access.profiles": "set_theme",
        "insights.configuration": "configure_dashboard",
        "insights.favourites": "set_favourite",
    },
}
WITHOUT_EVENT = {
    f"{module}.{name}"
    for modules in REASONS.values()
    for module, names in modules.items()
    for name in names.split()
}


def service_modules() -> Iterator[Module]:
    """Yield the modules that hold services."""
    yield from (module for module in code_modules() if "/services" in module.path)


@cache
def calls() -> dict[str, set[str]]:
    """Return, by function, the names that it calls, those of nested functions as well."""
    found: dict[str, set[str]] = {}
    for module in service_modules():
        for node in module.tree().body:
            if isinstance(node, ast.FunctionDef):
                found[f"{module.path}:{node.name}"] = set(called(node))
    return found


def called(function: ast.FunctionDef) -> Iterator[str]:
    """Yield what the function calls: names, `events.record`, and `!write` for a write."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            yield node.func.id
            if node.func.id in WRITERS:
                yield "!write"
        elif isinstance(node.func, ast.Attribute):
            if is_write(node, node.func):
                yield "!write"
            owner = ast.unparse(node.func.value)
            yield f"{owner}.{node.func.attr}" if owner == "events" else node.func.attr


def is_write(call: ast.Call, function: ast.Attribute) -> bool:
    """Tell whether the call changes rows, by its name and form."""
    if function.attr in WRITES:
        return True
    if function.attr == "create":
        return "objects" in ast.unparse(function.value)
    # A dictionary's own `update` takes a mapping.
    return function.attr == "update" and bool(call.keywords) and not call.args


def reaches(start: str, wanted: set[str]) -> bool:
    """Tell whether a function calls one of the names, directly or through other services."""
    by_name: dict[str, list[str]] = {}
    for key in calls():
        by_name.setdefault(key.rpartition(":")[2], []).append(key)
    seen, waiting = {start}, [start]
    while waiting:
        current = waiting.pop()
        names = calls()[current]
        if names & wanted:
            return True
        own = current.rpartition(":")[0]
        for name in names:
            candidates = by_name.get(name, [])
            near = [key for key in candidates if key.startswith(f"{own}:") and key != current]
            for key in near or ([] if name.startswith("_") else candidates):
                if key not in seen:
                    seen.add(key)
                    waiting.append(key)
    return False


def silent_writers() -> set[str]:
    """Return the public services that write and record nothing, as `app.module.name`."""
    return {
        short_name(key)
        for key in calls()
        if not key.rpartition(":")[2].startswith("_")
        and reaches(key, {"!write"})
        and not reaches(key, RECORDS)
    }


def short_name(key: str) -> str:
    """Return `access.teams.new_team` for the key of a function."""
    path, _, function = key.partition(":")
    app, _, module = path.removesuffix(".py").partition("/services")
    return f"{app.rpartition('/')[2]}.{module.strip('/')}.{function}"


def test_services_that_write_record_an_event() -> None:
    assert silent_writers() - WITHOUT_EVENT == set()


def test_no_exception_is_out_of_date() -> None:
    assert WITHOUT_EVENT - silent_writers() == set()


def test_the_scan_sees_writes_and_events() -> None:
    assert len(service_modules_with_events()) > 10


def service_modules_with_events() -> list[str]:
    """Return the modules of which some function records."""
    return sorted({key.rpartition(":")[0] for key in calls() if reaches(key, RECORDS)})
