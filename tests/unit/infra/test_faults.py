"""Faults of a storm: each kind is made somewhere, and in one place."""

from typing import Any, cast

from infra.faults.cluster import ClusterFaults
from infra.faults.function import FunctionFaults
from pytest_dsql.storm.transfers.faults import FaultKind


def test_every_kind_is_made_in_one_place() -> None:
    nothing = cast("Any", None)
    of_cluster = ClusterFaults(nothing, nothing).kinds().keys()
    of_function = FunctionFaults(nothing, "function", nothing, None).kinds().keys()
    assert of_cluster | of_function == {*FaultKind}
    assert not of_cluster & of_function
