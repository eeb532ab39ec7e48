"""The master key: its file in the data folder, and changing it."""
