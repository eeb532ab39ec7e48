"""What becomes of logs after they were written, and the settings about it."""
