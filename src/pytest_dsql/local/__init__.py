"""A truthful stand-in for the part of AWS that the stack uses."""
