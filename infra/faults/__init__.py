"""Faults of a storm, as they are made on the stand-in: one room, one module for each place where something breaks."""
