"""The queries of views as PostgreSQL 16 keeps them."""
