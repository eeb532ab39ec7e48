"""The template language beside another one."""
