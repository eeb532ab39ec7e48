"""The state of one connection on either side, without a socket and without a clock."""
