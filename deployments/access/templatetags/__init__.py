"""Tags about permissions."""
