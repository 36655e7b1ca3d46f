"""The PostgreSQL underneath: found or started, and ended with its owner."""
