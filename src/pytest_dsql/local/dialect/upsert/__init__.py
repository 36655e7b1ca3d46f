"""INSERT ... ON CONFLICT as a statement that runs on a view."""
