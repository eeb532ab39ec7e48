"""What becomes of things: all of them, those that would go, those that stay."""

from collections.abc import Sequence
from typing import Any

from deployments.access.web.forms import page_of
from deployments.access.web.pages import PageRequest
from deployments.releases.retention.package_rule import PackageVerdict
from deployments.releases.retention.rule import Verdict
from deployments.releases.retention.run_rule import RunVerdict


def tabs(
    request: PageRequest,
    verdicts: Sequence[Verdict | RunVerdict | PackageVerdict],
    things: str,
) -> dict[str, Any]:
    """Return the tabs with their counts, and the page of the one that is asked for."""
    kept = [verdict for verdict in verdicts if verdict.is_kept]
    gone = [verdict for verdict in verdicts if not verdict.is_kept]
    every = (
        ("", f"All {things}", verdicts),
        ("deleted", "Would be deleted", gone),
        ("kept", "Kept", kept),
    )
    tab = request.GET.get("show", "")
    rows = next((found for name, _, found in every if name == tab), verdicts)
    return {
        "of": things,
        "page": page_of(request, rows),
        "tab": tab,
        "tabs": [(name, label, len(found)) for name, label, found in every],
    }
