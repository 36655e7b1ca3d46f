"""Measurements, apart from the tests: ``tox -e bench``."""
