"""A throw-away certificate authority, and a certificate for each endpoint under it."""

import ssl
from pathlib import Path

import trustme

from pytest_dsql.link.folder import private
from pytest_dsql.local.network import roots


class Authority:
    """The authority. ``path`` is the file that clients trust: PGSSLROOTCERT.

    ``bundle`` is for clients that trust what the system trusts: the system's authorities, and this one.
    """

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA(organization_name="Aurora DSQL stand-in")
        self.path = folder / "root.pem"
        self.bundle = folder / "bundle.pem"
        own = self._ca.cert_pem.bytes()
        for path, certificates in ((self.path, own), (self.bundle, roots.bundle(own))):
            with private(path) as file:
                file.write(certificates)

    def context(self, host: str) -> ssl.SSLContext:
        """Return a server's TLS context for ``host``: TLS 1.2 or later, also without negotiation in clear text.

        The connectors of AWS ask for 1.2; ALPN ``postgresql`` is what libpq asks for in direct TLS.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["postgresql"])
        context.num_tickets = 0
        self._ca.issue_cert(host).configure_cert(context)
        return context
