"""The kinds of events and their groups, for filters and subscriptions."""

from collections.abc import Iterable

CATEGORIES = {
    "Created": "Document created",
    "Modified": "Document modified",
    "Deleted": "Document deleted",
    "DeploymentQueued": "Deployment queued",
    "DeploymentStarted": "Deployment started",
    "DeploymentResumed": "Deployment resumed",
    "DeploymentSucceeded": "Deployment succeeded",
    "DeploymentFailed": "Deployment failed",
    "DefectReported": "Progression of a release blocked",
    "DefectResolved": "Progression of a release unblocked",
    "DeploymentFreezeOverridden": "Deployment freeze overridden",
    "RunbookRunQueued": "Runbook run queued",
    "RunbookRunStarted": "Runbook run started",
    "RunbookRunSucceeded": "Runbook run succeeded",
    "RunbookRunFailed": "Runbook run failed",
    "TaskQueued": "Task queued",
    "TaskCanceled": "Task canceled",
    "TaskPrioritized": "Task moved to the top",
    "TaskStateChanged": "Task state corrected",
    "ManualInterventionInterruptionRaised": "Manual intervention raised",
    "GuidedFailureInterruptionRaised": "Guided failure raised",
    "InterruptionSubmitted": "Interruption answered",
    "LoginSucceeded": "Signed in",
    "LoginFailed": "Signing in failed",
    "ApiKeyExpiresIn20Days": "API key expires in 20 days",
    "ApiKeyExpiresIn10Days": "API key expires in 10 days",
    "ApiKeyExpired": "API key expired",
    "CertificateExpiresIn20Days": "Certificate expires in 20 days",
    "CertificateExpiresIn10Days": "Certificate expires in 10 days",
    "CertificateExpired": "Certificate expired",
    "CertificateReplaced": "Certificate replaced",
    "CertificatePrivateKeyExported": "Private key of a certificate exported",
    "PackagePublished": "Package published",
    "RegistrationTokenCreated": "Registration token created",
    "MachineAdded": "Machine added",
    "MachineModified": "Machine modified",
    "MachineDeleted": "Machine deleted",
    "MachineEnabled": "Machine enabled",
    "MachineDisabled": "Machine disabled",
    "MachineDeploymentRelatedPropertyWasUpdated": "Place or tags of a machine changed",
    "MachineHealthy": "Machine found healthy",
    "MachineUnhealthy": "Machine found unhealthy",
    "MachineUnavailable": "Machine unavailable",
    "MachineHasWarnings": "Machine has warnings",
    "MachineCleanupFailed": "Machine cleanup failed",
    "MachineUpgradeRequested": "Agent asked to upgrade",
    "MachineUpgraded": "Agent upgraded",
    "MachineUpgradeFailed": "Upgrade of an agent failed",
    "MachineUpgradeCanceled": "Upgrade of an agent canceled",
    "MachineQuarantined": "Machine quarantined",
    "SubscriptionFailed": "Subscription gave up a delivery",
    "BackupMade": "Backup made",
    "BackupRestored": "Backup restored",
    "EventHandlingFailed": "Event could not be handled",
}

GROUPS = {
    "Deployment": (
        "DeploymentQueued",
        "DeploymentStarted",
        "DeploymentResumed",
        "DeploymentSucceeded",
        "DeploymentFailed",
    ),
    "DeploymentCritical": (
        "DeploymentFailed",
        "ManualInterventionInterruptionRaised",
        "GuidedFailureInterruptionRaised",
    ),
    "RunbookRun": (
        "RunbookRunQueued",
        "RunbookRunStarted",
        "RunbookRunSucceeded",
        "RunbookRunFailed",
    ),
    "Document": ("Created", "Modified", "Deleted"),
    "Login": ("LoginSucceeded", "LoginFailed"),
    "CertificateExpiry": (
        "CertificateExpiresIn20Days",
        "CertificateExpiresIn10Days",
        "CertificateExpired",
    ),
    "Machine": (
        "MachineAdded",
        "MachineModified",
        "MachineDeleted",
        "MachineEnabled",
        "MachineDisabled",
        "MachineHealthy",
        "MachineUnhealthy",
        "MachineUnavailable",
        "MachineHasWarnings",
        "MachineCleanupFailed",
        "MachineDeploymentRelatedPropertyWasUpdated",
    ),
    "MachineCritical": ("MachineCleanupFailed", "MachineUnavailable"),
    "MachineAvailableForDeployment": (
        "MachineEnabled",
        "MachineHealthy",
        "MachineHasWarnings",
    ),
    "MachineUnavailableForDeployment": (
        "MachineDisabled",
        "MachineUnhealthy",
        "MachineUnavailable",
    ),
    "MachineHealthChanged": (
        "MachineHealthy",
        "MachineUnhealthy",
        "MachineUnavailable",
        "MachineHasWarnings",
    ),
}

GROUP_NAMES = {
    "Deployment": "Deployments",
    "DeploymentCritical": "Deployments that need somebody",
    "RunbookRun": "Runbook runs",
    "Document": "Documents",
    "Login": "Sign-ins",
    "CertificateExpiry": "Certificate expiry",
    "Machine": "Machines",
    "MachineCritical": "Machines that need somebody",
    "MachineAvailableForDeployment": "Machine becomes available",
    "MachineUnavailableForDeployment": "Machine no longer available",
    "MachineHealthChanged": "Health of a machine changed",
}


def categories_of(categories: Iterable[str], groups: Iterable[str]) -> list[str]:
    """Return the categories with those of the groups; one that is unknown stands for itself."""
    found = list(categories)
    for name in groups:
        found.extend(GROUPS.get(name, (name,)))
    return list(dict.fromkeys(found))
