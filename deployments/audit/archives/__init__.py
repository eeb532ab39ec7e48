"""Archives of events: their lines, where their bytes are, and the chain of their files."""
