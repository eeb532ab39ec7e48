"""Times in which nothing is deployed: their schedule and what they hold."""
