"""The stack, and where it runs: on AWS or on this machine."""
