"""The pages of environments, deployment targets and workers."""
