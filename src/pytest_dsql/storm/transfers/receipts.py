"""The judgement by receipts: a transfer with an id leaves one in its own transaction, so it was made or it was not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_dsql.storm.record.model import Call, History, Receipt
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.verdict import Finding, found


def settled(history: History) -> History:
    """Return a history in which receipts, where there are some, have decided every unknown outcome."""
    known = history.facts.receipts
    if known is None:
        return history
    return replace(history, calls=tuple(_settled(call, known) for call in history.calls))


def decided(history: History) -> dict[int, bool]:
    """Return whether transfers of unknown outcome were made, by the calls' ids, as far as receipts tell."""
    known = history.facts.receipts
    if known is None:
        return {}
    return {call.id: call.transfer_id in known for call in history.calls if _open(call)}


def _open(call: Call) -> bool:
    return call.outcome is Outcome.UNKNOWN and call.transfer_id is not None


def _settled(call: Call, known: Mapping[str, Receipt]) -> Call:
    if not _open(call):
        return call
    receipt = known.get(str(call.transfer_id))
    if receipt is None:
        return replace(call, outcome=Outcome.REFUSED)
    return replace(call, outcome=Outcome.COMMITTED, balance=receipt.balance)


def findings(history: History) -> Iterator[Finding]:
    """Yield what receipts contradict: answers, requests, balances. Nothing where there are none."""
    known = history.facts.receipts
    if known is None:
        return
    calls = {str(call.transfer_id): call for call in history.calls}
    yield from found(
        "lost",
        "{n} calls were answered as committed, and left no receipt",
        [call for call in history.calls if call.outcome is Outcome.COMMITTED and str(call.transfer_id) not in known],
    )
    yield from found(
        "paid_twice",
        "{n} accounts moved otherwise than their receipts say",
        sorted(_off(history, known).items()),
        lambda item: f"account {item[0]}, off by {item[1]:+}",
        lambda item: abs(item[1]),
    )
    wrong = {id_: text for id_, receipt in known.items() if (text := _contradiction(calls.get(id_), receipt))}
    yield from found(
        "unexplained", "{n} receipts are not explained", sorted(wrong.items()), lambda item: f"{item[0]}: {item[1]}"
    )


def _off(history: History, known: Mapping[str, Receipt]) -> dict[int, int]:
    """Return by how much accounts closed above what their receipts make, where it is not nothing."""
    facts = history.facts
    off = Counter({number: balance - facts.opening for number, balance in facts.closing.items()})
    for receipt in known.values():
        off[receipt.payer] += receipt.amount
        off[receipt.payee] -= receipt.amount
    return {number: change for number, change in off.items() if change}


def _contradiction(call: Call | None, receipt: Receipt) -> str | None:
    """Return what a receipt and the call with its id have against each other."""
    if call is None:
        return "nobody asked for it"
    if (call.payer, call.payee, call.amount) != (receipt.payer, receipt.payee, receipt.amount):
        return f"{call} was made as {receipt.payer} to {receipt.payee}, {receipt.amount}"
    if call.outcome is Outcome.REFUSED:
        return f"{call} was made, and refused with {call.code}"
    if call.outcome is Outcome.COMMITTED and call.balance != receipt.balance:
        return f"{call} was made with balance {receipt.balance}, and answered {call.balance}"
    return None
