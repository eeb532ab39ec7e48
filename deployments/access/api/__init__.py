"""The API of users, teams, roles and spaces, and the base of every resource's view set."""
