"""The agent's memory of commands: an append-only file that survives kill and power cut."""

from agent.runtime.journal.journal import Journal, entries_on_disk
from agent.runtime.journal.state import Entry, JournalState

__all__ = ["Entry", "Journal", "JournalState", "entries_on_disk"]
