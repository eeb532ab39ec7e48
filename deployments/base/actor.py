"""Who acts: a signed-in person, a service account or the system itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Authentication = Literal["Session", "ApiKey", "Token", "Basic", "Agent", "Automation", "System"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The identity behind a request or a piece of background work.

    `credential` says for the audit which one was shown, such as the beginning of an API key.
    """

    user_id: int | None
    username: str
    display_name: str
    authentication: Authentication
    ip_address: str = ""
    user_agent: str = ""
    reason: str = ""
    credential_expires: datetime | None = None
    credential: str = ""

    @classmethod
    def system(cls, reason: str) -> "Actor":
        """Return the actor for work that the server starts by itself; `reason` is recorded."""
        return cls(None, "system", "System", "System", reason=reason)

    @property
    def is_system(self) -> bool:
        return self.authentication == "System"

    @property
    def public_id(self) -> str:
        return "users-system" if self.user_id is None else f"Users-{self.user_id}"
