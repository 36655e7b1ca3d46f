"""The control plane of the stand-in: moto in this process, and what the walk-through needs beyond it."""
