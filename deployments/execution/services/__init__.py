"""What the engine does; deployments.execution.services.mailbox is the gateway's side of it."""
