"""What the journal keeps of a `run`, and whether a spec is the one that it meant."""

import hashlib
from dataclasses import asdict
from typing import Any

from agent.contracts.messages import Isolation, Run
from agent.contracts.spec import canonical_json


def restored_run(command_id: str, spec_hash: str, values: dict[str, Any]) -> Run:
    """Rebuild a `run` without its spec from what the journal kept."""
    isolation = Isolation(**values.get("isolation", {}))
    kept = {key: values[key] for key in ("ttl_s", "deadline_s", "grace_s", "spool_cap")}
    return Run(id=command_id, kind=values["kind"], spec_hash=spec_hash, isolation=isolation, **kept)


def kept_of(run: Run) -> dict[str, Any]:
    """Return what the journal keeps of a `run`: nothing secret."""
    return {
        "kind": run.kind,
        "ttl_s": run.ttl_s,
        "deadline_s": run.deadline_s,
        "grace_s": run.grace_s,
        "spool_cap": run.spool_cap,
        "isolation": asdict(run.isolation),
    }


def is_hash_of(spec: dict[str, Any], sha256: str) -> bool:
    """Tell whether a spec has this hash; False too for one that has no canonical form."""
    try:
        return hashlib.sha256(canonical_json(spec)).hexdigest() == sha256
    except (ValueError, TypeError):
        return False
