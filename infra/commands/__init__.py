"""What ``python -m infra`` does that is more than a few lines."""
