"""Connections."""

from .fact import Fact

NO_TLS = Fact(
    "08P01", "unable to accept connection, SSL is mandatory", "suite: class and words; the rest by analogy", "2026-08"
)
NO_SNI = Fact("08006", "unable to accept connection, sni was not received", "docs, wild; SQLSTATE by analogy")
TOO_MANY = Fact("53300", "Unable to accept connection, too many open connections.", "docs", "2026-10")
TOO_FAST = Fact("53400", "Unable to accept connection, rate exceeded.", "docs", "2026-10")
UNAVAILABLE = Fact("XX000", "server unavailable", "docs: in passing; the connection stays usable", "2026-10")
