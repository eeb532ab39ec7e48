"""Every control message of the protocol as a frozen dataclass; `docs/protocol.md` explains them."""

from agent.contracts.messages.from_agent import (
    Accepted,
    CancelAck,
    Finished,
    FromAgent,
    Goodbye,
    Hello,
    Progress,
    Rejected,
    Started,
    State,
    UpgradeState,
)
from agent.contracts.messages.from_server import (
    Cancel,
    FinalAck,
    FromServer,
    GoAway,
    Isolation,
    OutAck,
    Query,
    ResumePoint,
    Run,
    SessionLimits,
    SpecRef,
    Upgrade,
    Welcome,
)
from agent.contracts.messages.shared import CommandReport, Error, JsonObject, Phase

Message = FromAgent | FromServer

FROM_AGENT: frozenset[type[FromAgent]] = frozenset(
    {
        Hello,
        Accepted,
        Rejected,
        Started,
        Progress,
        Finished,
        CancelAck,
        State,
        UpgradeState,
        Goodbye,
        Error,
    }
)
FROM_SERVER: frozenset[type[FromServer]] = frozenset(
    {Welcome, Run, OutAck, FinalAck, Cancel, Query, GoAway, Upgrade, Error}
)

__all__ = [
    "FROM_AGENT",
    "FROM_SERVER",
    "Accepted",
    "Cancel",
    "CancelAck",
    "CommandReport",
    "Error",
    "FinalAck",
    "Finished",
    "FromAgent",
    "FromServer",
    "GoAway",
    "Goodbye",
    "Hello",
    "Isolation",
    "JsonObject",
    "Message",
    "OutAck",
    "Phase",
    "Progress",
    "Query",
    "Rejected",
    "ResumePoint",
    "Run",
    "SessionLimits",
    "SpecRef",
    "Started",
    "State",
    "Upgrade",
    "UpgradeState",
    "Welcome",
]
