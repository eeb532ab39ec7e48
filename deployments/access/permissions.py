"""The catalogue of permissions and the dimensions in which each can be restricted."""

from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """What somebody may do; the values are the names on the wire."""

    ProjectView = "ProjectView"
    ProjectEdit = "ProjectEdit"
    ProjectDelete = "ProjectDelete"
    ReleaseView = "ReleaseView"
    ReleaseCreate = "ReleaseCreate"
    ReleaseEdit = "ReleaseEdit"
    ReleaseDelete = "ReleaseDelete"
    ProjectCreate = "ProjectCreate"
    ProjectGroupView = "ProjectGroupView"
    ProjectGroupCreate = "ProjectGroupCreate"
    ProjectGroupEdit = "ProjectGroupEdit"
    ProjectGroupDelete = "ProjectGroupDelete"
    ProcessView = "ProcessView"
    ProcessEdit = "ProcessEdit"
    VariableViewUnscoped = "VariableViewUnscoped"
    VariableEditUnscoped = "VariableEditUnscoped"
    DefectReport = "DefectReport"
    DefectResolve = "DefectResolve"
    TriggerView = "TriggerView"
    TriggerCreate = "TriggerCreate"
    TriggerEdit = "TriggerEdit"
    TriggerDelete = "TriggerDelete"
    RunbookView = "RunbookView"
    RunbookEdit = "RunbookEdit"
    RunbookSnapshotCreate = "RunbookSnapshotCreate"
    BuiltInFeedPush = "BuiltInFeedPush"
    BuiltInFeedDownload = "BuiltInFeedDownload"
    BuiltInFeedAdminister = "BuiltInFeedAdminister"
    VariableView = "VariableView"
    VariableEdit = "VariableEdit"
    DeploymentView = "DeploymentView"
    DeploymentCreate = "DeploymentCreate"
    DeploymentDelete = "DeploymentDelete"
    ArtifactView = "ArtifactView"
    ArtifactCreate = "ArtifactCreate"
    ArtifactEdit = "ArtifactEdit"
    ArtifactDelete = "ArtifactDelete"
    EventView = "EventView"
    InterruptionView = "InterruptionView"
    InterruptionSubmit = "InterruptionSubmit"
    InterruptionViewSubmitResponsible = "InterruptionViewSubmitResponsible"
    RunbookRunView = "RunbookRunView"
    RunbookRunCreate = "RunbookRunCreate"
    RunbookRunDelete = "RunbookRunDelete"
    AiAgentTranscriptView = "AiAgentTranscriptView"
    DeployedResourceAdminister = "DeployedResourceAdminister"
    TaskView = "TaskView"
    TaskCreate = "TaskCreate"
    TaskCancel = "TaskCancel"
    TaskEdit = "TaskEdit"
    EnvironmentView = "EnvironmentView"
    EnvironmentCreate = "EnvironmentCreate"
    EnvironmentEdit = "EnvironmentEdit"
    EnvironmentDelete = "EnvironmentDelete"
    AccountView = "AccountView"
    AccountCreate = "AccountCreate"
    AccountEdit = "AccountEdit"
    AccountDelete = "AccountDelete"
    MachineView = "MachineView"
    MachineCreate = "MachineCreate"
    MachineEdit = "MachineEdit"
    MachineDelete = "MachineDelete"
    CertificateView = "CertificateView"
    CertificateEdit = "CertificateEdit"
    CertificateDelete = "CertificateDelete"
    CertificateExportPrivateKey = "CertificateExportPrivateKey"
    TenantView = "TenantView"
    TenantCreate = "TenantCreate"
    TenantEdit = "TenantEdit"
    TenantDelete = "TenantDelete"
    ActionTemplateView = "ActionTemplateView"
    ActionTemplateCreate = "ActionTemplateCreate"
    ActionTemplateEdit = "ActionTemplateEdit"
    ActionTemplateDelete = "ActionTemplateDelete"
    BuildInformationPush = "BuildInformationPush"
    BuildInformationAdminister = "BuildInformationAdminister"
    CertificateCreate = "CertificateCreate"
    FeedView = "FeedView"
    FeedEdit = "FeedEdit"
    GitCredentialView = "GitCredentialView"
    GitCredentialEdit = "GitCredentialEdit"
    LibraryVariableSetView = "LibraryVariableSetView"
    LibraryVariableSetCreate = "LibraryVariableSetCreate"
    LibraryVariableSetEdit = "LibraryVariableSetEdit"
    LibraryVariableSetDelete = "LibraryVariableSetDelete"
    LifecycleView = "LifecycleView"
    LifecycleCreate = "LifecycleCreate"
    LifecycleEdit = "LifecycleEdit"
    LifecycleDelete = "LifecycleDelete"
    MachinePolicyView = "MachinePolicyView"
    MachinePolicyCreate = "MachinePolicyCreate"
    MachinePolicyEdit = "MachinePolicyEdit"
    MachinePolicyDelete = "MachinePolicyDelete"
    ProxyView = "ProxyView"
    ProxyCreate = "ProxyCreate"
    ProxyEdit = "ProxyEdit"
    ProxyDelete = "ProxyDelete"
    SubscriptionView = "SubscriptionView"
    SubscriptionCreate = "SubscriptionCreate"
    SubscriptionEdit = "SubscriptionEdit"
    SubscriptionDelete = "SubscriptionDelete"
    TagSetCreate = "TagSetCreate"
    TagSetEdit = "TagSetEdit"
    TagSetDelete = "TagSetDelete"
    TeamView = "TeamView"
    TeamCreate = "TeamCreate"
    TeamEdit = "TeamEdit"
    TeamDelete = "TeamDelete"
    WorkerView = "WorkerView"
    WorkerEdit = "WorkerEdit"
    InsightsReportView = "InsightsReportView"
    InsightsReportCreate = "InsightsReportCreate"
    InsightsReportEdit = "InsightsReportEdit"
    InsightsReportDelete = "InsightsReportDelete"
    DeploymentFreezeAdminister = "DeploymentFreezeAdminister"
    TargetTagView = "TargetTagView"
    TargetTagAdminister = "TargetTagAdminister"
    RetentionAdminister = "RetentionAdminister"
    FeatureToggleEdit = "FeatureToggleEdit"
    ApprovalPolicyAdminister = "ApprovalPolicyAdminister"
    SshKnownHostsView = "SshKnownHostsView"
    SshKnownHostsAdminister = "SshKnownHostsAdminister"
    TaskPrioritize = "TaskPrioritize"
    AdministerSystem = "AdministerSystem"
    ConfigureServer = "ConfigureServer"
    UserView = "UserView"
    UserEdit = "UserEdit"
    UserInvite = "UserInvite"
    UserRoleView = "UserRoleView"
    UserRoleEdit = "UserRoleEdit"
    SpaceView = "SpaceView"
    SpaceCreate = "SpaceCreate"
    SpaceEdit = "SpaceEdit"
    SpaceDelete = "SpaceDelete"
    EventRetentionView = "EventRetentionView"
    EventRetentionDelete = "EventRetentionDelete"
    TelemetryView = "TelemetryView"
    PlatformHubView = "PlatformHubView"
    PlatformHubEdit = "PlatformHubEdit"


P = Permission

# A grant limited to tenants gives these only on things of those tenants, not on untenanted ones.
EXPLICIT_TENANT: Final = frozenset(
    {
        P.DeploymentView,
        P.DeploymentCreate,
        P.DeploymentDelete,
        P.ArtifactView,
        P.ArtifactCreate,
        P.ArtifactEdit,
        P.ArtifactDelete,
        P.EventView,
        P.InterruptionView,
        P.InterruptionSubmit,
        P.InterruptionViewSubmitResponsible,
        P.RunbookRunView,
        P.RunbookRunCreate,
        P.RunbookRunDelete,
        P.AiAgentTranscriptView,
        P.DeployedResourceAdminister,
    }
)

_BY_DIMENSIONS: Final = (
    (
        frozenset({"project", "tenant"}),
        (
            P.ProjectView,
            P.ProjectEdit,
            P.ProjectDelete,
            P.ReleaseView,
            P.ReleaseCreate,
            P.ReleaseEdit,
            P.ReleaseDelete,
        ),
    ),
    (
        frozenset({"project_group"}),
        (
            P.ProjectCreate,
            P.ProjectGroupView,
            P.ProjectGroupCreate,
            P.ProjectGroupEdit,
            P.ProjectGroupDelete,
        ),
    ),
    (
        frozenset({"project"}),
        (
            P.ProcessView,
            P.ProcessEdit,
            P.VariableViewUnscoped,
            P.VariableEditUnscoped,
            P.DefectReport,
            P.DefectResolve,
            P.TriggerView,
            P.TriggerCreate,
            P.TriggerEdit,
            P.TriggerDelete,
            P.RunbookView,
            P.RunbookEdit,
            P.RunbookSnapshotCreate,
            P.BuiltInFeedPush,
            P.BuiltInFeedDownload,
            P.BuiltInFeedAdminister,
        ),
    ),
    (
        frozenset({"project", "environment"}),
        (
            P.VariableView,
            P.VariableEdit,
        ),
    ),
    (
        frozenset({"project", "environment", "tenant"}),
        (
            *EXPLICIT_TENANT,
            P.TaskView,
            P.TaskCreate,
            P.TaskCancel,
            P.TaskEdit,
        ),
    ),
    (
        frozenset({"environment"}),
        (
            P.EnvironmentView,
            P.EnvironmentCreate,
            P.EnvironmentEdit,
            P.EnvironmentDelete,
            P.AccountView,
            P.AccountCreate,
            P.AccountEdit,
            P.AccountDelete,
        ),
    ),
    (
        frozenset({"environment", "tenant"}),
        (
            P.MachineView,
            P.MachineCreate,
            P.MachineEdit,
            P.MachineDelete,
            P.CertificateView,
            P.CertificateEdit,
            P.CertificateDelete,
            P.CertificateExportPrivateKey,
        ),
    ),
    (
        frozenset({"tenant"}),
        (
            P.TenantView,
            P.TenantCreate,
            P.TenantEdit,
            P.TenantDelete,
        ),
    ),
)

DIMENSIONS: Final[dict[Permission, frozenset[str]]] = {
    permission: dimensions for dimensions, members in _BY_DIMENSIONS for permission in members
}
"""Dimensions (project, project_group, environment, tenant) that restrict each permission."""

SYSTEM_ONLY: Final = frozenset(
    {
        P.AdministerSystem,
        P.ConfigureServer,
        P.UserView,
        P.UserEdit,
        P.UserInvite,
        P.UserRoleView,
        P.UserRoleEdit,
        P.SpaceView,
        P.SpaceCreate,
        P.SpaceEdit,
        P.SpaceDelete,
        P.EventRetentionView,
        P.EventRetentionDelete,
        P.TelemetryView,
        P.PlatformHubView,
        P.PlatformHubEdit,
    }
)
SYSTEM_OR_SPACE: Final = frozenset(
    {
        P.EventView,
        P.TaskView,
        P.TaskCreate,
        P.TaskCancel,
        P.TaskEdit,
        P.TeamView,
        P.TeamCreate,
        P.TeamEdit,
        P.TeamDelete,
    }
)
SPACE: Final = frozenset(Permission) - SYSTEM_ONLY
SYSTEM: Final = SYSTEM_ONLY | SYSTEM_OR_SPACE


def dimensions(permission: str) -> frozenset[str]:
    """Return the dimensions that can restrict the permission; none for system permissions."""
    return DIMENSIONS.get(Permission(permission), frozenset())
