"""YAML by places: what stands where, so that a value is changed and nothing else."""
