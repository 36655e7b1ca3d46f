"""The SQL in bodies of routines."""
