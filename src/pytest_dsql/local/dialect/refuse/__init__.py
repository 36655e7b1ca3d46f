"""What DSQL does not run, and how it says so: one rule for each kind of statement, clause or type."""
