"""Reading rows of all spaces is rare: every place gives a reason that stands here."""

import ast
from collections.abc import Iterator

from tests.architecture.tree import code_modules

# Reason -> where it may be given (the beginning of a path).
ALLOWED = {
    "an agent signs in with its credential": "deployments/infrastructure/agent_credentials.py",
    "a session begins": "deployments/gateway/sessions.py",
    "close revoked sessions": "deployments/gateway/sessions.py",
    "quarantine": "deployments/gateway/sessions.py",
    "an agent connected or left": "deployments/gateway/sessions.py",
    "the gateway serves the agents of all spaces": "deployments/gateway/deliveries.py",
    "the engine moves tasks of every space": "deployments/server_tasks/services/",
    "the queue spans the spaces": "deployments/server_tasks/services/",
    "nodes and the queue serve all spaces": "deployments/server_tasks/queries.py",
    "the engine advances tasks of every space": "deployments/execution/services/",
    "the engine runs the actions of every space": "deployments/execution/services/",
    "output of agents of every space": "deployments/execution/services/",
    "agents of every space report": "deployments/execution/services/",
    "the sweep looks at every space": "deployments/execution/services/",
    "the built-in worker serves every space": "deployments/execution/",
    "the schedule of health checks spans the spaces": "deployments/infrastructure/services/",
    "machine policies upgrade agents in every space": "deployments/infrastructure/services/",
    "append to logs": "deployments/execution/logs/",
    "the viewer's access to the task was checked": "deployments/execution/logs/",
    "the viewer's access was checked": "deployments/execution/",
    "an administrator counts what is stored": "deployments/execution/queries.py",
    "automation spans the spaces": "deployments/",
    "among rows that were scoped": "deployments/releases/deployed.py",
    "the master key was changed": "deployments/base/services/resealing.py",
    "subscriptions follow the events of every space": "deployments/audit/services/",
    "the storage is shared by all spaces": "packages_feed/services/upkeep/",
    "certificates of all spaces are looked at": "deployments/library/services/expiry.py",
    "a list over all spaces": "deployments/access/api/viewsets.py",
}


def reasons() -> Iterator[tuple[str, str]]:
    """Yield path and reason of every call of `unscoped`."""
    for module in code_modules():
        if ".unscoped(" not in module.text:
            continue
        constants = {
            target.id: str(node.value.value)
            for node in ast.walk(module.tree())
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(module.tree()):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr != "unscoped" or module.path == "deployments/base/querysets.py":
                continue
            value = next(word.value for word in node.keywords if word.arg == "reason")
            if isinstance(value, ast.Constant):
                yield module.path, str(value.value)
            else:
                yield module.path, constants.get(ast.unparse(value), ast.unparse(value))


def test_every_reason_is_allowed_where_it_is_given() -> None:
    wrong = {
        f"{path}: {reason}"
        for path, reason in reasons()
        if not path.startswith(ALLOWED.get(reason, "nowhere"))
    }
    assert not wrong


def test_no_reason_is_out_of_date() -> None:
    assert set(ALLOWED) == {reason for _, reason in reasons()}
