"""Following the stream of events: who does, where each one is, and giving each its events once."""
