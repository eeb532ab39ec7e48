"""Change values in configuration files by their place in the text; all else stays as it is."""
