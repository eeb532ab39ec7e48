"""The REST resources of the infrastructure, and the endpoints of agents."""
