"""How clients find the stand-in and trust it: addresses, certificates, roots."""
