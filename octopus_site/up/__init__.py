"""The trial server: all processes on one machine under one small supervisor."""
