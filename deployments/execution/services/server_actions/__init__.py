"""The actions that the server carries out itself."""

from deployments.execution.services.server_actions.run import (
    run_server_action,
    settle_abandoned,
    store_outputs,
)

__all__ = ["run_server_action", "settle_abandoned", "store_outputs"]
