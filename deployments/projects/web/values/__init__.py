"""The form of one value of a variable, for projects and library sets."""
