"""The middleware of sessions, and the pages of people, teams and roles."""
