"""The contract between a stand-in and who uses it: its process, its variables, its handle. Standard library alone."""
