"""The types of accounts, and the fields that each has; pure.

A field's name is the one of the wire and of the variable: an account that the variable `Db` names
gives `Db.Username` (infrastructure.md 10).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DEFAULT_AUDIENCE: Final = "api://default"
# In the order in which they stand in a subject.
SUBJECT_KEYS: Final = (
    "space",
    "project",
    "runbook",
    "tenant",
    "environment",
    "account",
    "type",
)
DEFAULT_SUBJECT_KEYS: Final = ("space", "project", "tenant", "environment")
AUDIENCE: Final = "Audience"
SUBJECT: Final = "DeploymentSubjectKeys"


class Form(StrEnum):
    """How a field is written."""

    LINE = "line"
    LINES = "lines"
    KEYS = "keys"


@dataclass(frozen=True, slots=True)
class AccountField:
    """A value of an account; a secret one is kept sealed and never told again."""

    name: str
    label: str
    is_secret: bool = False
    is_required: bool = False
    help: str = ""
    form: Form = Form.LINE
    longest: int = 1000


@dataclass(frozen=True, slots=True)
class AccountType:
    """A type by its name on the wire; `variable_type` is that of variables that name one."""

    name: str
    words: str
    variable_type: str
    icon: str
    purpose: str
    fields: tuple[AccountField, ...]

    def field(self, name: str) -> AccountField | None:
        """Return the field with this name."""
        return next((each for each in self.fields if each.name == name), None)


_USERNAME: Final = AccountField("Username", "User name", is_required=True)

ACCOUNT_TYPES: Final[Mapping[str, AccountType]] = {
    each.name: each
    for each in (
        AccountType(
            "UsernamePassword",
            "User name and password",
            "UsernamePasswordAccount",
            "person",
            "For databases, proxies and other systems that ask for both.",
            (_USERNAME, AccountField("Password", "Password", is_secret=True, longest=10_000)),
        ),
        AccountType(
            "Token",
            "Token",
            "TokenAccount",
            "key",
            "For interfaces that take one secret text.",
            (AccountField("Token", "Token", is_secret=True, is_required=True, longest=20_000),),
        ),
        AccountType(
            "SshKeyPair",
            "SSH key pair",
            "SshKeyPairAccount",
            "terminal",
            "For scripts that connect to machines or repositories by SSH.",
            (
                _USERNAME,
                AccountField(
                    "PrivateKeyFile",
                    "Private key",
                    is_secret=True,
                    is_required=True,
                    help="The text of the key file, from BEGIN to END.",
                    form=Form.LINES,
                    longest=50_000,
                ),
                AccountField(
                    "PrivateKeyPassphrase",
                    "Passphrase of the key",
                    is_secret=True,
                    help="Empty when the key has none.",
                ),
            ),
        ),
        AccountType(
            "AmazonWebServicesAccount",
            "AWS keys",
            "AmazonWebServicesAccount",
            "server",
            "For scripts that call Amazon Web Services with an access key.",
            (
                AccountField("AccessKey", "Access key", is_required=True),
                AccountField("SecretKey", "Secret key", is_secret=True, is_required=True),
                AccountField("Region", "Region", help="Such as eu-central-1; may stay empty."),
            ),
        ),
        AccountType(
            "GenericOidcAccount",
            "OpenID Connect",
            "GenericOidcAccount",
            "globe",
            "For services that trust this server's own tokens: nothing secret is stored.",
            (
                AccountField(
                    AUDIENCE,
                    "Audience",
                    help=f"What the service expects; {DEFAULT_AUDIENCE} when it stays empty.",
                ),
                AccountField(
                    SUBJECT,
                    "Subject",
                    help="What the token's subject names, in this order.",
                    form=Form.KEYS,
                ),
            ),
        ),
    )
}
BY_VARIABLE_TYPE: Final[Mapping[str, AccountType]] = {
    each.variable_type: each for each in ACCOUNT_TYPES.values()
}
