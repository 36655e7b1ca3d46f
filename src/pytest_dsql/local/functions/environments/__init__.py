"""Execution environments: made, kept, ended, and what they log."""
