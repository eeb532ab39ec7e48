"""What people keep for themselves on the dashboard."""
