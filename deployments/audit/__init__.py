"""Pages and API over the stream of events."""
