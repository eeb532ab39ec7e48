"""How long releases are kept: the rule, what it is judged by, and the defaults of a space."""
