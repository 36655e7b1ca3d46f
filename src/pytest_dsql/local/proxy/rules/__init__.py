"""What Aurora DSQL allows that PostgreSQL does not, and the reverse: judged as messages pass."""
