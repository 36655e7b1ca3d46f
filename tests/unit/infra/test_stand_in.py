"""The clients that reach a stand-in."""

import threading

from botocore.config import Config

from infra.stand_in import LocalCloud


def test_a_client_is_made_once_for_a_service_and_a_config(aws: LocalCloud) -> None:
    config = Config(read_timeout=1)
    made: list[object] = []
    threads = [threading.Thread(target=lambda: made.append(aws.client("s3", config))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*made}) == 1
    assert aws.client("s3", config) is not aws.client("s3")
    assert aws.client("s3", config) is not aws.client("sts", config)


def test_the_account_is_known(aws: LocalCloud) -> None:
    assert aws.account == "123456789012"
