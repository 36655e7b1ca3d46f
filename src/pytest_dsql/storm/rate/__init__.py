"""How much a deployed function takes for long: the highest rate that holds a p99, and what is said of it."""
