"""The durable engine: plan, decide, advance, mailbox, steps, logs, interruptions."""
