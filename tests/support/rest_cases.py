"""Tables of REST calls: what a case means, whoever sends it.

The cases of a file run in order. `{space}` and `{run}` (a text of this run's own) and whatever
earlier cases saved stand in paths, bodies and expectations. A case gives the status; `keys` of the
answer; `item_keys` of the first row; `expect`, values by path (`Items.0.Id`); `error`, one of the
Errors; `saves`, names for values by path.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.cases import CASES, cases

Send = Callable[[str, str, Any], tuple[int, Any]]


def rest_subjects() -> list[str]:
    """Return the names of the tables."""
    return sorted(path.stem for path in (CASES / "rest").glob("*.json"))


def run_table(subject: str, send: Send, *, space: str, run: str) -> int:
    """Send the calls of a table and check the answers; returns their number."""
    values = {"space": space, "run": run}
    table = cases("rest", subject)
    for number, case in enumerate(table, start=1):
        run_case(f"{subject} {number}: {case['name']}", case, send, values)
    return len(table)


def run_case(name: str, case: Mapping[str, Any], send: Send, values: dict[str, str]) -> None:
    """Send one call and check its answer; saved values are added to `values`."""
    body = filled(case.get("body"), values)
    status, answer = send(case["method"], filled(case["path"], values), body)
    assert status == case["status"], f"{name}: {status} {answer}"
    missing = [key for key in case.get("keys", ()) if key not in answer]
    assert not missing, f"{name}: no {missing} in {answer}"
    rows = answer["Items"] if isinstance(answer, dict) and "Items" in answer else answer
    if "item_keys" in case:
        assert rows, f"{name}: no rows"
        missing = [key for key in case["item_keys"] if key not in rows[0]]
        assert not missing, f"{name}: no {missing} in {rows[0]}"
    for path, value in filled(case.get("expect", {}), values).items():
        assert at(answer, path) == value, f"{name}: {path} is {at(answer, path)!r}"
    if "error" in case:
        assert case["error"] in answer["Errors"], f"{name}: {answer}"
    for saved, path in case.get("saves", {}).items():
        values[saved] = str(at(answer, path))


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """Return the value with `{names}` replaced in all its texts."""
    if isinstance(value, str):
        for name, text in values.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, list):
        return [filled(entry, values) for entry in value]
    if isinstance(value, dict):
        return {name: filled(entry, values) for name, entry in value.items()}
    return value


def at(document: Any, path: str) -> Any:
    """Return what stands at a path such as `Items.0.Id`."""
    for part in path.split("."):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document
