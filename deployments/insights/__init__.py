"""Dashboards; reads only."""
