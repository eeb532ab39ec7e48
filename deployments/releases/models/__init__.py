"""The models of releases."""

from typing import TypeAlias

from deployments.releases.models.defect import Defect
from deployments.releases.models.deployment import Deployment
from deployments.releases.models.freeze import DeploymentFreeze, FreezeScope
from deployments.releases.models.release import DeletedRelease, Release, ReleaseSelectedPackage
from deployments.releases.models.runbook import (
    RunbookRun,
    RunbookSnapshot,
    RunbookSnapshotPackage,
)
from deployments.releases.models.snapshot import FrozenSet, ProcessSnapshot, VariableSetSnapshot

# What is carried out, and the carrying out of it: both kinds are planned by the same engine.
Frozen: TypeAlias = Release | RunbookSnapshot
Run: TypeAlias = Deployment | RunbookRun

__all__ = [
    "Defect",
    "DeletedRelease",
    "Deployment",
    "DeploymentFreeze",
    "FreezeScope",
    "Frozen",
    "FrozenSet",
    "ProcessSnapshot",
    "Release",
    "ReleaseSelectedPackage",
    "Run",
    "RunbookRun",
    "RunbookSnapshot",
    "RunbookSnapshotPackage",
    "VariableSetSnapshot",
]
