"""A storm's workers, whatever they call: their processes, their meeting with the conductor, how far they are."""
