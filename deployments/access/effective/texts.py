"""What each permission is for, in words, and by what they are about."""

from collections.abc import Iterable
from typing import Final

from deployments.access.permissions import Permission

_VERBS: Final = {"View": "See", "Create": "Create", "Edit": "Change", "Delete": "Delete"}

# What the four verbs are about, in the order in which lists show it.
_SUBJECTS: Final = {
    "Project": "projects",
    "ProjectGroup": "project groups",
    "Process": "processes and channels",
    "Variable": "variables, by the environments of their values",
    "VariableUnscoped": "variables whose values are for every environment",
    "Release": "releases",
    "Deployment": "deployments",
    "Runbook": "runbooks",
    "RunbookRun": "runs of runbooks",
    "Trigger": "triggers",
    "Artifact": "artifacts",
    "Interruption": "questions that tasks ask",
    "Task": "tasks",
    "Event": "the audit trail",
    "Environment": "environments",
    "Machine": "deployment targets",
    "MachinePolicy": "machine policies",
    "Worker": "workers and worker pools",
    "Account": "accounts",
    "Certificate": "certificates",
    "Proxy": "proxies",
    "Tenant": "tenants",
    "TagSet": "tag sets",
    "TargetTag": "target tags",
    "Lifecycle": "lifecycles",
    "LibraryVariableSet": "variable sets of the library",
    "ActionTemplate": "step templates",
    "Feed": "feeds and the packages in them",
    "GitCredential": "Git credentials",
    "SshKnownHosts": "known SSH hosts",
    "Subscription": "subscriptions to events",
    "InsightsReport": "reports",
    "Team": "teams",
    "User": "people and service accounts",
    "UserRole": "user roles",
    "Space": "spaces",
    "EventRetention": "archives of the audit trail",
    "Telemetry": "telemetry",
    "PlatformHub": "the platform hub",
    "AiAgentTranscript": "transcripts of AI agents",
    "FeatureToggle": "feature toggles",
}

_OWN: Final = {
    Permission.VariableViewUnscoped: "See values that are for every environment",
    Permission.VariableEditUnscoped: "Change values that are for every environment",
    Permission.DefectReport: "Block the progression of releases",
    Permission.DefectResolve: "Unblock the progression of releases",
    Permission.RunbookSnapshotCreate: "Publish snapshots of runbooks",
    Permission.BuiltInFeedPush: "Push packages to the built-in feed",
    Permission.BuiltInFeedDownload: "Download packages from the built-in feed",
    Permission.BuiltInFeedAdminister: "Replace and delete packages of the built-in feed",
    Permission.DeploymentCreate: "Deploy releases",
    Permission.RunbookRunCreate: "Run runbooks",
    Permission.InterruptionSubmit: "Answer questions that tasks ask",
    Permission.InterruptionViewSubmitResponsible: (
        "See and answer questions for which a team of one's own is responsible"
    ),
    Permission.DeployedResourceAdminister: "Manage resources that were deployed",
    Permission.TaskCreate: "Start tasks such as health checks",
    Permission.TaskCancel: "Cancel tasks",
    Permission.TaskPrioritize: "Move tasks to the top of the queue",
    Permission.CertificateExportPrivateKey: "Export the private keys of certificates",
    Permission.BuildInformationPush: "Push build information",
    Permission.BuildInformationAdminister: "Replace and delete build information",
    Permission.TargetTagAdminister: "Manage target tags",
    Permission.SshKnownHostsAdminister: "Manage known SSH hosts",
    Permission.DeploymentFreezeAdminister: "Manage deployment freezes",
    Permission.RetentionAdminister: "Apply retention and see what it would delete",
    Permission.ApprovalPolicyAdminister: "Manage approval policies",
    Permission.FeedEdit: "Add, change and delete feeds",
    Permission.AdministerSystem: "Manage the server itself and its administrators",
    Permission.ConfigureServer: "Change sign-in, mail and security settings",
    Permission.UserInvite: "Invite people",
}


def describe(permission: Permission) -> str:
    """Return what the permission lets one do, as a short phrase."""
    if permission in _OWN:
        return _OWN[permission]
    subject, verb = _parts(permission)
    return f"{_VERBS[verb]} {_SUBJECTS[subject]}"


def grouped(permissions: Iterable[Permission]) -> list[tuple[str, list[Permission]]]:
    """Return the permissions by what they are about, in the order of the subjects."""
    found: dict[str, list[Permission]] = {}
    for permission in permissions:
        found.setdefault(_subject(permission), []).append(permission)
    order = ["", *_SUBJECTS]
    return [(_heading(subject), found[subject]) for subject in sorted(found, key=order.index)]


def _heading(subject: str) -> str:
    text = _SUBJECTS[subject].partition(",")[0] if subject else "the server"
    return text[0].upper() + text[1:]


def _parts(permission: Permission) -> tuple[str, str]:
    verb = next(verb for verb in _VERBS if permission.endswith(verb))
    return permission.removesuffix(verb), verb


def _subject(permission: Permission) -> str:
    """Return the longest subject with which the name begins; the feed's own count as the feed's."""
    if permission in _ELSEWHERE:
        return _ELSEWHERE[permission]
    fitting = [subject for subject in _SUBJECTS if permission.startswith(subject)]
    return max(fitting, key=len, default="")


_ELSEWHERE: Final = {
    Permission.VariableViewUnscoped: "Variable",
    Permission.VariableEditUnscoped: "Variable",
    Permission.DefectReport: "Release",
    Permission.DefectResolve: "Release",
    Permission.BuiltInFeedPush: "Feed",
    Permission.BuiltInFeedDownload: "Feed",
    Permission.BuiltInFeedAdminister: "Feed",
    Permission.BuildInformationPush: "Feed",
    Permission.BuildInformationAdminister: "Feed",
    Permission.DeployedResourceAdminister: "Deployment",
    Permission.DeploymentFreezeAdminister: "Deployment",
    Permission.RetentionAdminister: "Release",
    Permission.ApprovalPolicyAdminister: "Release",
}
