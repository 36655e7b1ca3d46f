import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from psycopg import pq

from tests.fix_cluster import Cluster
from tests.fix_probes import ProbeAnswer, ask, differences, judge, set_up

LIMIT_S = 30


def test_probe(cluster: Cluster, probe: dict[str, Any]) -> None:
    """A recorded probe, in a schema of its own where it makes or needs anything."""
    if probe["setup"] or _makes_something(probe):
        with cluster.schema(cluster.connect()) as schema:
            _run(cluster, probe, options=f"-c search_path={schema}")
    else:
        _run(cluster, probe)


def _makes_something(probe: dict[str, Any]) -> bool:
    return any(re.match(r"\s*(create|alter|drop)\b", step["sql"], re.IGNORECASE) for step in probe.get("steps", []))


def _run(cluster: Cluster, probe: dict[str, Any], **settings: Any) -> None:
    connection = cluster.connect(**settings).pgconn
    set_up(connection, probe["setup"])
    if "sessions" in probe:
        judge(probe["name"], _side_by_side(cluster, probe, **settings))
    else:
        judge(probe["name"], _alone(connection, probe))


def _alone(connection: Any, probe: dict[str, Any]) -> list[str]:
    found, simple = [], probe.get("simple_protocol", False)
    for step in probe["steps"]:
        answers = ask(connection, step["sql"], simple=simple)
        # Once, where an index build that another probe began has ended meanwhile.
        if "OC001" in (answers[-1].message or "") and connection.transaction_status == pq.TransactionStatus.IDLE:
            answers = ask(connection, step["sql"], simple=simple)
        found += differences(step, answers, ignore_rows=probe.get("ignore_rows", False))
    ask(connection, "ROLLBACK")
    return found


def _side_by_side(cluster: Cluster, probe: dict[str, Any], **settings: Any) -> list[str]:
    """Take each step of all sessions at the same moment; who loses is a race, how many do is not."""
    together = threading.Barrier(len(probe["sessions"]))

    def play(steps: list[dict[str, Any]]) -> list[ProbeAnswer]:
        connection = cluster.connect(**settings).pgconn
        answers = []
        for step in steps:
            together.wait(LIMIT_S)
            answers.append(ask(connection, step["sql"])[-1])
        return answers

    with ThreadPoolExecutor() as pool:
        played = list(pool.map(play, probe["sessions"], timeout=LIMIT_S))
    losers = [answers for answers in played if answers[-1].outcome == "error"]
    found = _early_failures(played) + [
        f"lost by {answers[-1].sqlstate}: {answers[-1].message}"
        for answers in losers
        if answers[-1].sqlstate != "40001"
    ]
    if len(losers) not in {len(one) for one in _recorded(probe)}:
        found.append(f"{len(losers)} sessions lost, recorded were {_recorded(probe)}")
    return found


def _early_failures(played: list[list[ProbeAnswer]]) -> list[str]:
    return [f"failed before COMMIT: {a.message}" for answers in played for a in answers[:-1] if a.outcome == "error"]


def _recorded(probe: dict[str, Any]) -> list[list[int]]:
    return [probe["losers_recorded"], *(other["losers"] for other in probe.get("alternate_recordings", []))]
