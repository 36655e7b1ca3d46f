"""A storm of anyone's transaction, as it runs: its processes, their record, the judgement on it, its report."""
