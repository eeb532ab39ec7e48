"""The REST resources of execution, and the endpoints of agents."""
