"""A bank's storm as it runs: conductor and workers, the requests, what breaks meanwhile."""
