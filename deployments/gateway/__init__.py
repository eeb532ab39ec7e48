"""The agent-facing process: sessions, mailbox delivery, log ingestion."""
