"""Models of the library."""

from typing import Final

from deployments.library.models.account import Account, AccountEnvironment, AccountTenant
from deployments.library.models.certificate import (
    Certificate,
    CertificateEnvironment,
    CertificateTenant,
)
from deployments.library.models.library_set import LibraryVariableSet
from deployments.library.models.restricted import Restricted
from deployments.library.models.variable import Variable, VariableSet, variable_place

RESTRICTED: Final[tuple[type[Restricted], ...]] = (Account, Certificate)
"""What is for some environments and tenants only."""
TENANT_LINKS: Final = (AccountTenant, CertificateTenant)
"""The tenants that these things are for."""

__all__ = [
    "RESTRICTED",
    "TENANT_LINKS",
    "Account",
    "AccountEnvironment",
    "AccountTenant",
    "Certificate",
    "CertificateEnvironment",
    "CertificateTenant",
    "LibraryVariableSet",
    "Restricted",
    "Variable",
    "VariableSet",
    "variable_place",
]
