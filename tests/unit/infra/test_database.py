"""How people sign in to a cluster: never unencrypted, never to a server that is not the cluster."""

import pytest
from botocore.httpsession import DEFAULT_CA_BUNDLE

from infra import database
from infra.database import NoCluster
from infra.stack import Outputs
from infra.stand_in import LocalCloud
from pytest_dsql import sign_in

HOST = "abc.dsql.us-east-1.on.aws"


def test_the_servers_name_and_certificate_are_verified() -> None:
    settings = sign_in.settings({}, HOST)
    assert (settings["host"], settings["sslmode"]) == (HOST, "verify-full")
    assert settings["sslrootcert"] == DEFAULT_CA_BUNDLE


def test_the_target_says_how_its_cluster_is_reached() -> None:
    settings = sign_in.settings({"PGHOSTADDR": "127.0.0.1", "PGPORT": "5433", "PGSSLROOTCERT": "root.pem"}, HOST)
    assert (settings["host"], settings["hostaddr"], settings["port"]) == (HOST, "127.0.0.1", "5433")
    assert settings["sslrootcert"] == "root.pem"


def test_a_shell_verifies_the_server_too(aws: LocalCloud) -> None:
    variables = database.variables(aws, HOST)
    assert (variables["PGHOST"], variables["PGSSLMODE"]) == (HOST, "verify-full")
    assert variables["PGSSLROOTCERT"] == DEFAULT_CA_BUNDLE


def test_a_stack_without_a_cluster_says_how_to_add_one() -> None:
    with pytest.raises(NoCluster, match="add it with: python -m infra deploy --chapter 1"):
        database.endpoint(Outputs("it", "arn:aws:iam::123456789012:role/it", None, None))
