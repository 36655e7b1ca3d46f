"""A storm as it runs: conductor and workers, their meeting, the requests."""
