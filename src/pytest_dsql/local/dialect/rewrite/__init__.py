"""What PostgreSQL is sent: a query pointed at the shadow views, and what goes with that."""
