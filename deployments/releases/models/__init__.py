"""The models of releases."""

from deployments.releases.models.defect import Defect
from deployments.releases.models.deployment import Deployment
from deployments.releases.models.freeze import DeploymentFreeze, FreezeScope
from deployments.releases.models.release import DeletedRelease, Release, ReleaseSelectedPackage
from deployments.releases.models.snapshot import ProcessSnapshot, VariableSetSnapshot

__all__ = [
    "Defect",
    "DeletedRelease",
    "Deployment",
    "DeploymentFreeze",
    "FreezeScope",
    "ProcessSnapshot",
    "Release",
    "ReleaseSelectedPackage",
    "VariableSetSnapshot",
]
