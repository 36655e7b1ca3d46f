"""Processes of functions, forked from one that has loaded what they need."""
