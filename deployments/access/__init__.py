"""Users, keys, teams, roles and the one policy that says who may do what."""
