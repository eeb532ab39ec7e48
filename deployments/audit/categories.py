"""The kinds of events, for filters."""

CATEGORIES = {
    "Created": "Document created",
    "Modified": "Document modified",
    "Deleted": "Document deleted",
    "DeploymentQueued": "Deployment queued",
    "DeploymentStarted": "Deployment started",
    "DeploymentResumed": "Deployment resumed",
    "DeploymentSucceeded": "Deployment succeeded",
    "DeploymentFailed": "Deployment failed",
    "TaskCanceled": "Task canceled",
    "ManualInterventionInterruptionRaised": "Manual intervention raised",
    "GuidedFailureInterruptionRaised": "Guided failure raised",
    "LoginSucceeded": "Signed in",
    "LoginFailed": "Signing in failed",
    "MachineAdded": "Machine added",
    "MachineEnabled": "Machine enabled",
    "MachineDisabled": "Machine disabled",
    "MachineHealthy": "Machine found healthy",
    "MachineUnhealthy": "Machine found unhealthy",
    "MachineUnavailable": "Machine unavailable",
    "MachineHasWarnings": "Machine has warnings",
}

GROUPS = {
    "Deployment": (
        "DeploymentQueued",
        "DeploymentStarted",
        "DeploymentResumed",
        "DeploymentSucceeded",
        "DeploymentFailed",
    ),
    "Document": ("Created", "Modified", "Deleted"),
    "Machine": (
        "MachineAdded",
        "MachineEnabled",
        "MachineDisabled",
        "MachineHealthy",
        "MachineUnhealthy",
        "MachineUnavailable",
        "MachineHasWarnings",
    ),
    "MachineCritical": ("MachineUnhealthy", "MachineUnavailable"),
    "MachineHealthChanged": (
        "MachineHealthy",
        "MachineUnhealthy",
        "MachineUnavailable",
        "MachineHasWarnings",
    ),
}
