"""A template before anything is made: read, checked, its references and parameters resolved."""
