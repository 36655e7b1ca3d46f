"""The wire side of the stand-in: TLS, sign-in, the transaction rules, and relaying to PostgreSQL."""
