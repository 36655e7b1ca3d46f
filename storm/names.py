"""What things are called on disk."""


def worker_name(share: int) -> str:
    """Return the name that a worker's record has."""
    return f"worker{share:02}"
