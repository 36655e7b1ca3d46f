"""The bank's storms: which transfers are made, what their answers mean, what must hold."""
