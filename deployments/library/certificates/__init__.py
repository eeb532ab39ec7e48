"""Certificates as files: reading what people upload, telling what is in it, writing it again."""
