"""One cluster: its PostgreSQL with the engine in it, its catalog, its jobs, its limits."""
