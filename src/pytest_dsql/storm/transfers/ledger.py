"""Whether the history that the database keeps is that of the transfers that were made: one row for each."""

from collections.abc import Iterator, Mapping

from pytest_dsql.storm.record.model import History, Ledger
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.verdict import Finding


def judged(history: History, resolved: Mapping[int, bool]) -> Iterator[Finding]:
    """Yield what is wrong; ``resolved`` says, by place in the history, whether calls of unknown outcome were made."""
    made, read = _made(history, resolved), history.facts.history
    if read is None:
        yield Finding("history", "nobody has read it")
    elif read.rows != made.rows:
        yield Finding("history", f"it has {read.rows:,} rows for {made.rows:,} transfers that were made")
    elif read != made:
        yield Finding("history", f"its {read.rows:,} rows are not those of the transfers that were made")


def _made(history: History, resolved: Mapping[int, bool]) -> Ledger:
    rows = amount = payers = payees = products = 0
    for at, call in enumerate(history.calls):
        if call.outcome is Outcome.COMMITTED or resolved.get(at, False):
            rows += 1
            amount += call.amount
            payers += call.payer
            payees += call.payee
            products += call.payer * call.payee * call.amount
    return Ledger(rows, amount, payers, payees, products)
