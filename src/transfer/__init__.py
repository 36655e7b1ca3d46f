"""A money transfer on Amazon Aurora DSQL: exactly the code that AWS Lambda runs."""
