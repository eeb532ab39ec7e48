"""What changes the archives of events and subscriptions."""
