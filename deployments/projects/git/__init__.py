"""Git repositories elsewhere: which branches and tags they have, and where these are."""
