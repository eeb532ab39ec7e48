"""Accounts and certificates of the sample, and a library set whose variables name some."""

from collections.abc import Mapping

from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.library.services.certificates import UploadedFile, replace_certificate
from tests.factories import SYSTEM
from tests.factories.certificates import issue, make_certificate, site
from tests.factories.library import make_account, make_library_set


def make_credentials(places: Mapping[str, Environment]) -> None:
    """Make an account of most types, certificates in each state, and what names them."""
    production = [places["Production"]]
    database = make_account(
        "Shop database", environments=production, Username="shop", Password="not shown"
    )
    make_account("Deploy bot", "Token", Token="not shown")
    make_account(
        "Backup bucket",
        "AmazonWebServicesAccount",
        AccessKey="AKIAEXAMPLE",
        SecretKey="not shown",
        Region="eu-central-1",
    )
    make_account("Cloud sign-in", "GenericOidcAccount", Audience="api://shop")
    shop = make_certificate("Shop", data=issue(hosts=["shop.example.com"], days=20).pem_file())
    replace_certificate(actor=SYSTEM, row=shop, file=UploadedFile(site().pem_file()))
    make_certificate("Intranet", data=issue("intranet.example.com", days=6.5).pem_file())
    make_certificate(
        "Old portal", data=issue("portal.example.com", days=-3).pem, environments=production
    )
    make_library_set(
        "Shop credentials",
        VariableInput("Database", database.public_id, kind="UsernamePasswordAccount"),
        VariableInput("Site", shop.public_id, kind="Certificate"),
    )
