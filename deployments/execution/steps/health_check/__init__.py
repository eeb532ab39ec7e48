"""Health Check in the middle of a deployment."""
