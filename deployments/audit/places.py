"""Where the pages of things are, by the beginning of their ids; below the space."""

from typing import Final

_PAGES: Final = {
    "accounts": "projects/accounts/",
    "certificates": "projects/certificates/",
    "deployments": "deployments/",
    "environments": "infrastructure/environments/",
    "feeds": "feeds/",
    "libraryvariablesets": "projects/library/",
    "lifecycles": "projects/lifecycles/",
    "machinepolicies": "infrastructure/policies/",
    "machines": "infrastructure/targets/",
    "projectgroups": "projects/groups/",
    "projects": "projects/",
    "runbookruns": "runbook-runs/",
    "servertasks": "tasks/",
    "subscriptions": "administration/subscriptions/",
    "teams": "administration/teams/",
    "tenants": "tenants/",
    "userroles": "administration/roles/",
    "users": "administration/users/",
    "workerpools": "infrastructure/pools/",
    "workers": "infrastructure/workers/",
}


def page_of_document(document_id: str) -> str:
    """Return the address of the document's page below its space; empty when it has none."""
    prefix, dash, number = document_id.partition("-")
    place = _PAGES.get(prefix.lower(), "")
    return f"{place}{document_id}" if place and dash and number.isdigit() else ""
