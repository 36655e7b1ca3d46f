"""One file of authorities: the system's and the stand-in's, and none of those that are gone."""

import ssl
from pathlib import Path

import pytest
import trustme

from pytest_dsql.local.network import roots

HOST = "example.org"


@pytest.fixture
def corporate(tmp_path: Path) -> tuple[trustme.CA, Path]:
    """An authority that this machine trusts, and the file that says so."""
    authority, path = trustme.CA(), tmp_path / "corporate.pem"
    authority.cert_pem.write_to_path(path)
    return authority, path


def verifies(bundle: bytes, authority: trustme.CA) -> bool:
    """Shake hands, in memory, with a server whose certificate is the authority's."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(server)
    client = ssl.create_default_context(cadata=bundle.decode())
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there, server_hostname=HOST), server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                return False
    return True


@pytest.mark.parametrize("variable", roots.VARIABLES)
def test_what_was_trusted_before_is_still_trusted(corporate: tuple[trustme.CA, Path], variable: str) -> None:
    own, (authority, path) = trustme.CA(), corporate
    bundle = roots.bundle(own.cert_pem.bytes(), {variable: str(path)})
    assert [verifies(bundle, each) for each in (own, authority, trustme.CA())] == [True, True, False]


def test_an_earlier_stand_in_is_not_trusted(corporate: tuple[trustme.CA, Path], tmp_path: Path) -> None:
    earlier, own, (authority, path) = trustme.CA(), trustme.CA(), corporate
    exported = tmp_path / "bundle.pem"
    exported.write_bytes(roots.bundle(earlier.cert_pem.bytes(), {"SSL_CERT_FILE": str(path)}))
    bundle = roots.bundle(own.cert_pem.bytes(), dict.fromkeys(roots.VARIABLES, str(exported)))
    assert [verifies(bundle, each) for each in (own, authority, earlier)] == [True, True, False]


def test_the_systems_are_there_where_nothing_is_said(tmp_path: Path) -> None:
    gone = {"SSL_CERT_FILE": str(tmp_path / "gone.pem")}
    for environment in ({}, gone):
        context = ssl.create_default_context(cadata=roots.system(environment).decode())
        assert len(context.get_ca_certs()) > 50
