"""The built-in roles as data, in the short notation of `expand`."""

from dataclasses import dataclass
from typing import Final

from deployments.access import permissions
from deployments.access.permissions import Permission

_LETTERS = {"V": "View", "C": "Create", "E": "Edit", "D": "Delete"}


@dataclass(frozen=True)
class BuiltInRole:
    """A role that every server has; its permissions follow the release of the server."""

    built_in_id: str
    name: str
    description: str
    space: frozenset[Permission] = frozenset()
    system: frozenset[Permission] = frozenset()


def expand(*texts: str) -> frozenset[Permission]:
    """Return the permissions of `Name` or `Subject:VCED` notations."""
    found: set[Permission] = set()
    for word in " ".join(texts).split():
        subject, colon, letters = word.partition(":")
        names = [subject + _LETTERS[letter] for letter in letters] if colon else [subject]
        found.update(Permission(name) for name in names)
    return frozenset(found)


_VIEWER = """
    ReleaseView ProjectView DeploymentView ProcessView EnvironmentView ArtifactView EventView
    ProjectGroupView LibraryVariableSetView TeamView TaskView InterruptionView LifecycleView
    MachinePolicyView TenantView TriggerView CertificateView RunbookView RunbookRunView
"""
_CONTRIBUTOR = f"""{_VIEWER}
    ArtifactCreate ActionTemplate:VCED ProcessEdit ProjectEdit FeedView LibraryVariableSet:CED
    TaskCreate InterruptionViewSubmitResponsible MachineView DefectReport DefectResolve
    VariableView VariableEdit Trigger:CED RunbookEdit
"""
_FEED = "BuiltInFeedPush BuiltInFeedDownload BuiltInFeedAdminister FeedView"
_BUILD_INFORMATION = "BuildInformationPush BuildInformationAdminister"
_CONSUMER = """
    ProjectView EnvironmentView ArtifactView EventView ProjectGroupView LibraryVariableSetView
    TeamView FeedView TaskView InterruptionView MachinePolicyView TenantView TriggerView
    CertificateView MachineView RunbookView RunbookRunView RunbookRunCreate
"""
_SYSTEM_MANAGER = """
    ConfigureServer EventRetentionView EventRetentionDelete EventView Team:VCED Task:VCE TaskCancel
    Space:VCED UserView UserEdit UserInvite UserRoleView UserRoleEdit
"""
_SEES_PEOPLE = "TeamView UserView UserRoleView"


def _role(name: str, description: str, space: str, system: str = "") -> BuiltInRole:
    key = f"userroles-{name.lower().replace(' ', '')}"
    return BuiltInRole(key, name, description, expand(space), expand(system))


SPACE_MANAGER: Final = BuiltInRole(
    "userroles-spacemanager",
    "Space Manager",
    "Does everything within a space.",
    permissions.SPACE,
    expand(_SEES_PEOPLE),
)
SYSTEM_MANAGER: Final = _role(
    "System Manager", "Manages people, teams and spaces of the server.", "", _SYSTEM_MANAGER
)
SYSTEM_ADMINISTRATOR: Final = _role(
    "System Administrator",
    "Does everything at the level of the server.",
    "",
    f"{_SYSTEM_MANAGER} AdministerSystem",
)

BUILT_IN_ROLES: Final = (
    _role("Project Viewer", "Sees projects and what happens to them.", _VIEWER, _SEES_PEOPLE),
    _role(
        "Project Contributor",
        "Edits processes and variables, but neither releases nor deploys.",
        _CONTRIBUTOR,
        _SEES_PEOPLE,
    ),
    _role(
        "Project Deployer",
        "Contributes and deploys existing releases.",
        f"{_CONTRIBUTOR} DeploymentCreate InterruptionSubmit TaskCancel RunbookRunCreate",
        _SEES_PEOPLE,
    ),
    _role(
        "Project Lead",
        "Contributes and makes releases, but does not deploy.",
        f"{_CONTRIBUTOR} Release:CED ArtifactEdit ArtifactDelete",
        _SEES_PEOPLE,
    ),
    _role(
        "Project Initiator",
        "Creates and removes projects.",
        f"{_VIEWER} Project:CED DefectReport DefectResolve",
        _SEES_PEOPLE,
    ),
    _role(
        "Release Creator",
        "Makes releases.",
        "EnvironmentView FeedView ProcessView ProjectView Release:VC RunbookView RunbookEdit",
    ),
    _role(
        "Deployment Creator",
        "Deploys releases.",
        """Deployment:VC EnvironmentView LifecycleView ProcessView ProjectView ReleaseView
        TaskView TenantView LibraryVariableSetView RunbookView RunbookRun:VC""",
    ),
    _role(
        "Build Server",
        "Pushes packages, makes releases and deploys them.",
        f"""{_FEED} {_BUILD_INFORMATION} Deployment:VC EnvironmentView LibraryVariableSetView
        LifecycleView ProcessView ProjectView Release:VC TaskView TenantView RunbookView
        RunbookRun:VC RunbookSnapshotCreate""",
    ),
    _role("Package Publisher", "Pushes and replaces packages.", f"{_FEED} {_BUILD_INFORMATION}"),
    _role(
        "Certificate Manager",
        "Manages certificates, their private keys included.",
        "Certificate:VCED CertificateExportPrivateKey EnvironmentView TenantView",
    ),
    _role(
        "Environment Manager",
        "Manages environments, targets, accounts and workers.",
        """Environment:VCED Machine:VCED TaskView TaskCreate TaskCancel Account:VCED Proxy:VCED
        MachinePolicy:VCED WorkerView WorkerEdit TeamView CertificateView""",
        "TeamView",
    ),
    _role(
        "Environment Viewer",
        "Sees environments, targets and workers.",
        """EnvironmentView MachineView TaskView TeamView AccountView MachinePolicyView
        CertificateView ProxyView WorkerView""",
        "TeamView",
    ),
    _role("Tenant Manager", "Manages tenants.", "Tenant:VCED"),
    _role("Runbook Consumer", "Runs runbooks.", _CONSUMER),
    _role(
        "Runbook Producer",
        "Writes and runs runbooks.",
        f"""{_CONSUMER} Project:CED LifecycleView ActionTemplate:VCED LibraryVariableSet:CED
        TaskCreate TaskCancel InterruptionViewSubmitResponsible InterruptionSubmit VariableView
        VariableEdit Trigger:CED RunbookEdit RunbookRunDelete Artifact:CED""",
    ),
    _role(
        "Insights Report Manager",
        "Manages reports about deployments.",
        """InsightsReport:VCED EnvironmentView ProcessView ProjectGroupView ProjectView
        TenantView""",
    ),
    SPACE_MANAGER,
    SYSTEM_MANAGER,
    SYSTEM_ADMINISTRATOR,
)
