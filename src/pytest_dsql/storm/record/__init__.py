"""What a storm leaves behind, and what follows from it: record, history, figures, verdict."""
