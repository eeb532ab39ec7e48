"""The ground floor: spaces, guarded querysets, events, public ids, clock, errors, secrets."""
