"""The door of the control plane: who calls, what he asks for, and whether his policies let him."""
