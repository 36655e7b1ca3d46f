"""The certificate authorities that this machine trusts, to stand in one file with the stand-in's own.

Who asks the system whom to trust is told by a variable (SSL_CERT_FILE), and it names one file in place of the
system's. So that file holds both: the clusters verify, and so does the rest of the internet.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

VARIABLES: Final = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE")
"""What OpenSSL (libpq's ``sslrootcert=system``, Python, Ruby, Go on Linux), node and AWS's SDKs look at."""
_MARK: Final = b"# The stand-in's own, in place of Aurora DSQL's\n"


def system(environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the roots in PEM: the system's, and those that the variables name besides.

    The system's are those of SSL_CERT_FILE, else OpenSSL's default file, else Mozilla's as botocore has them.
    """
    default = ssl.get_default_verify_paths().openssl_cafile
    files = [Path(environment[name]) for name in VARIABLES if environment.get(name)]
    if not environment.get("SSL_CERT_FILE"):
        files.insert(0, Path(default))
    texts = dict.fromkeys(_read(file) for file in files)
    if not any(texts):
        from botocore.httpsession import DEFAULT_CA_BUNDLE

        texts = {Path(DEFAULT_CA_BUNDLE).read_bytes(): None}
    return b"\n".join(filter(None, texts))


def _read(file: Path) -> bytes:
    """Return a file's certificates without those of an earlier stand-in; nothing where it is not there any more."""
    try:
        return file.read_bytes().partition(_MARK)[0]
    except OSError:
        return b""


def bundle(own: bytes, environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the system's roots, and ``own`` behind them."""
    return system(environment) + b"\n" + _MARK + own
