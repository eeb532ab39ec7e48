"""The pages of projects: lists, process, variables, channels, lifecycles, settings."""
