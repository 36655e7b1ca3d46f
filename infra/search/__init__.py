"""A search for storms that fail: small ones of random shape, one after the other, and what fails made smaller."""
