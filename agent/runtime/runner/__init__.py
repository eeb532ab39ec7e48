"""What happens inside the detached runner process of one command."""
