"""Invoke as Lambda answers it: requests, limits, events, completions."""
