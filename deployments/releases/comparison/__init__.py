"""What differs between two processes, two states of variables, two releases."""
