"""Which program acted, as far as its user agent tells."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Client:
    """A kind of program: known by how it signed in, or by the beginning of its user agent."""

    key: str
    name: str
    authentications: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()

    def fits(self, authentication: str, user_agent: str) -> bool:
        """Tell whether the program is of this kind."""
        return authentication in self.authentications or user_agent.lower().startswith(
            self.beginnings
        )

    def q(self) -> Q:
        """Return what `fits` says, for the database."""
        rows = Q(authentication__in=self.authentications)
        for text in self.beginnings:
            rows |= Q(user_agent__istartswith=text)
        return rows


# No program is of two kinds; none of the beginnings is that of a browser.
CLIENTS = (
    Client("Portal", "Portal", ("Session",)),
    Client("Server", "Server itself", ("System", "Automation")),
    Client("Tentacle", "Agent", ("Agent",)),
    Client("OctopusCli", "Octopus CLI", (), ("octopus-cli", "octo-cli", "octo/", "octopus/")),
    Client("OctopusClient", "Octopus.Client", (), ("octopusclient", "octopus.client")),
    Client("GitHubActions", "GitHub Actions", (), ("githubactions", "github-actions")),
    Client("TeamCity", "TeamCity", (), ("teamcity",)),
    Client("AzureDevOps", "Azure DevOps", (), ("azuredevops", "vsts", "tfs")),
    Client("Terraform", "Terraform", (), ("terraform", "go-octopusdeploy")),
    Client("NuGet", "NuGet", (), ("nuget", "dotnet")),
    Client("PowerShell", "PowerShell", (), ("mozilla/5.0 (windows nt; windows nt",)),
    Client("Curl", "curl", (), ("curl/",)),
)
OTHER = "Unknown"


def client_of(authentication: str, user_agent: str) -> str:
    """Return the key of the program's kind."""
    found = (each.key for each in CLIENTS if each.fits(authentication, user_agent))
    return next(found, OTHER)


def acted_through(keys: Iterable[str]) -> Q:
    """Return the filter for events of any of these kinds of programs; an unknown key finds none."""
    wanted = {key.lower() for key in keys}
    rows = Q(pk__in=[])
    if OTHER.lower() in wanted:
        known = Q(pk__in=[])
        for each in CLIENTS:
            known |= each.q()
        rows |= ~known
    for each in CLIENTS:
        if each.key.lower() in wanted:
            rows |= each.q()
    return rows
