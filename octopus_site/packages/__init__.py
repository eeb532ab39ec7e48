"""The commands `octopus-server packages …`: looking after the storage."""
