"""The engine's own step that brings packages to the targets."""
