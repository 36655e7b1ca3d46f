"""Storms of the bank from the command line."""
