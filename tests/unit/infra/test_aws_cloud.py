"""AWS as a target: never something else that is taken for it. Any target as another process has it."""

import pickle

import pytest

from infra.cloud import AwsCloud, CloudError
from infra.stand_in import LocalCloud


@pytest.fixture
def shell(aws: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """A shell that was told of a stand-in."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    return aws


@pytest.mark.usefixtures("shell")
def test_a_shell_that_points_at_a_stand_in_is_refused() -> None:
    with pytest.raises(CloudError, match="unset AWS_ENDPOINT_URL and DSQL_CONTROL"):
        AwsCloud()


def test_an_endpoint_that_is_named_on_purpose_is_asked_and_said(shell: LocalCloud) -> None:
    cloud = AwsCloud(endpoint=shell.environment["AWS_ENDPOINT_URL"])
    assert cloud.account == shell.account
    assert cloud.describe().startswith(f"not AWS but {shell.environment['AWS_ENDPOINT_URL']}")


@pytest.mark.parametrize("target", ["local", "aws"])
def test_another_process_that_is_sent_a_cloud_reaches_the_same(shell: LocalCloud, target: str) -> None:
    here = shell if target == "local" else AwsCloud(endpoint=shell.environment["AWS_ENDPOINT_URL"])
    there = pickle.loads(pickle.dumps(here))
    assert (there.target, there.region, there.account) == (target, here.region, here.account)
    assert not there.passing
