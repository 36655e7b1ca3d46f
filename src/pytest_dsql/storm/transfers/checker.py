"""The judgement on a storm: a pure function of its history and of what was expected.

| finding | what is wrong |
|---|---|
| conservation | the closing balances do not add up to the opening ones |
| reconciliation | an account's closing balance is not its opening one, plus in, minus out, to the cent |
| negative_balance | a closing or an answered balance is below zero |
| serial_order | no serial order of an account's transfers answers these balances (``serial``) |
| lost | answered as committed, and there is no receipt (of calls with an id, as the next two) |
| paid_twice | an account's closing balance is not its opening one, plus in, minus out, by the receipts |
| unexplained | a receipt that nobody asked for, or that contradicts what was asked or answered |
| reader_total | a reader saw another total, or another number of accounts, in one snapshot |
| unclassified | an answer that stands in no table of ``answer`` |
| broken_off | the storm did not come to its end |
| missing_faults | a fault that could not be made, or none came before the last call |
| slow_recovery | no commit for so long after a fault |
| left_open | a transaction that is open after the last answer |
| missing_calls | planned, never sent |
| unanswered | sent, never answered, by a worker that lived to its end |
| lost_worker | a worker left no record, or did not close it |
| duplicate_call | made twice, sent again without an id, or answered more often than sent |
| unexpected_refusal | a refusal that the scenario does not allow, or a 40001 without its OC marker |
| unexpected_unknown | an answer of unknown outcome where all must commit |
| history | the rows of the history are not those of the transfers that were made, one each |
| no_conflict | no call met a conflict, though the scenario must show some |
| max_conflicts | more calls met a conflict than the scenario allows |
| starved | a call with more retries, or a longer wait, than the scenario allows |
| max_p99, min_rate, max_retries | a threshold of the run was missed |
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pytest_dsql.storm.record.model import Call, History, Reading
from pytest_dsql.storm.record.outcome import Outcome
from pytest_dsql.storm.record.statistics import achieved_rate, caller_ms, percentile
from pytest_dsql.storm.record.verdict import Expectations, Finding, Verdict, found, stated
from pytest_dsql.storm.transfers import ledger, receipts, recovery, unknowns
from pytest_dsql.storm.transfers.books import Account, open_books


def check(history: History, expectations: Expectations | None = None) -> Verdict:
    """Judge a storm; money first. Never raises for a history that is wrong: that is what findings are for."""
    expectations = expectations or Expectations()
    settled = receipts.settled(history)
    books = open_books(settled)
    resolution = unknowns.resolve(books, settled.calls)
    findings = (
        *_money(history, books, resolution),
        *receipts.findings(history),
        *_readers(history),
        *_record(history),
        *recovery.findings(history, expectations),
        *_refusals(history, expectations),
        *(ledger.judged(settled, resolution.made) if expectations.must_record else ()),
        *_conflicts(history, expectations),
        *_thresholds(history, expectations),
    )
    calls = history.calls
    return Verdict(
        findings,
        receipts.decided(history) | {calls[at].id: made for at, made in sorted(resolution.made.items())},
        tuple(calls[at].id for at in resolution.ambiguous),
        "balances" if history.facts.receipts is None else "receipts",
    )


def _money(history: History, books: Mapping[int, Account], resolution: unknowns.Resolution) -> Iterator[Finding]:
    misses = resolution.misses
    yield from _conservation(history, misses)
    yield from found(
        "reconciliation",
        "{n} accounts do not reconcile",
        misses,
        lambda miss: miss.text,
        lambda miss: abs(miss.off),
    )
    yield from _negative(history)
    disorder = {miss.account: miss.text for miss in resolution.disorder} | dict(_disorder(books.values()))
    yield from found(
        "serial_order",
        "{n} accounts answered balances that no serial order gives",
        sorted(disorder.items()),
        lambda item: item[1],
        lambda item: len(books[item[0]].debits),
    )


def _conservation(history: History, misses: list[unknowns.Miss]) -> Iterator[Finding]:
    facts = history.facts
    off = sum(facts.closing.values()) - facts.total
    if off:
        summary = (
            f"{facts.accounts:,} accounts opened with {facts.total:,} and closed with {facts.total + off:,}: "
            f"{abs(off):,} {'made of nothing' if off > 0 else 'lost'}"
        )
        yield stated("conservation", summary, misses, lambda m: f"account {m.account}, {m.off:+}", lambda m: abs(m.off))


def _negative(history: History) -> Iterator[Finding]:
    closing = [(balance, f"account {n} closed at {balance}") for n, balance in sorted(history.facts.closing.items())]
    answered = [
        (call.balance, f"{call} answered {call.balance}")
        for call in history.calls
        if call.balance is not None and call.balance < 0
    ]
    below = [*answered, *(item for item in closing if item[0] < 0)]
    yield from found("negative_balance", "{n} balances below zero", below, lambda b: b[1], lambda b: -b[0])


def _disorder(accounts: Iterable[Account]) -> Iterator[tuple[int, str]]:
    for account in accounts:
        # An account that does not reconcile has no order either; that is said already.
        if not account.broken and (text := account.disorder()):
            yield account.number, text


def _readers(history: History) -> Iterator[Finding]:
    facts = history.facts

    def tell(reading: Reading) -> str:
        return f"at {reading.begun:.3f} s {reading.total:,} in {reading.count:,} accounts"

    wrong = [reading for reading in history.readings if (reading.total, reading.count) != (facts.total, facts.accounts)]
    summary = f"{{n}} of {len(history.readings):,} readers did not see {facts.total:,} in {facts.accounts:,} accounts"
    yield from found("reader_total", summary, wrong, tell, lambda r: abs(r.total - facts.total))


def _record(history: History) -> Iterator[Finding]:
    calls, lost = history.calls, set(history.lost_workers)
    sent = Counter(call.id for call in calls)
    sent.update(call.id for call in calls if call.transfer_id is None for _ in call.earlier)
    yield from found(
        "unclassified",
        "{n} answers are not understood",
        [call for call in calls if not call.known],
        lambda call: f"{call} was answered {call.code}: {call.error}",
    )
    yield from found(
        "missing_calls",
        f"{{n}} of {history.facts.planned:,} planned calls were never sent",
        [number for number in range(history.facts.planned) if number not in sent],
        lambda number: f"call {number}",
        float,
    )
    yield from found(
        "unanswered",
        "{n} calls were sent by workers that lived, and never answered",
        [call for call in calls if call.answered is None and call.worker not in lost],
        lambda call: f"{call} of {call.worker} at {call.sent:.3f} s",
        lambda call: -call.sent,
    )
    if history.facts.trouble:
        yield Finding("broken_off", history.facts.trouble)
    else:  # else they were ended
        yield from _lost_workers(history)
    yield from _duplicates(history, sent)


def _lost_workers(history: History) -> Iterator[Finding]:
    sent: Counter[str] = Counter()
    open_calls: Counter[str] = Counter()

    def said(worker: str) -> str:
        words = history.facts.last_words.get(worker)
        return f"; its last words: {words}" if words else ""

    for call in history.calls:
        sent[call.worker] += 1
        open_calls[call.worker] += call.answered is None
    yield from found(
        "lost_worker",
        "{n} workers did not come to their end",
        history.lost_workers,
        lambda worker: (
            f"{worker}, {sent[worker]:,} calls sent, {open_calls[worker]:,} of them unanswered{said(worker)}"
        ),
        lambda worker: open_calls[worker],
    )


def _duplicates(history: History, sent: Counter[int]) -> Iterator[Finding]:
    strays = Counter(history.stray_answers)
    twice = sorted({number for number, times in sent.items() if times > 1} | strays.keys())
    yield from found(
        "duplicate_call",
        "{n} calls were made or answered more than once",
        twice,
        lambda number: f"call {number}, sent {sent[number]} times, with {strays[number]} answers too many",
        lambda number: sent[number] + strays[number],
    )


def _refusals(history: History, expectations: Expectations) -> Iterator[Finding]:
    def allowed(call: Call) -> bool:
        marked = call.code != "40001" or call.marker is not None
        return not expectations.must_all_commit and call.code in expectations.refusals and marked

    refused = [call for call in history.calls if call.outcome is Outcome.REFUSED and not allowed(call)]
    how_often = Counter(call.code for call in refused)
    yield from found("unexpected_refusal", "{n} calls were refused", refused, _refusal, lambda c: how_often[c.code])
    if expectations.must_all_commit:
        yield from found(
            "unexpected_unknown",
            "{n} calls were answered, and not with a commit",
            [c for c in history.calls if c.outcome is Outcome.UNKNOWN and c.answered is not None],
            _refusal,
        )


def _refusal(call: Call) -> str:
    return f"{call} with {call.code}: {call.error}"


def _conflicts(history: History, expectations: Expectations) -> Iterator[Finding]:
    calls = history.calls
    if expectations.must_conflict and not any(call.met_conflict for call in calls):
        text = f"none of {len(calls):,} calls was retried or refused with 40001: nothing underneath judges conflicts"
        yield Finding("no_conflict", text)
    most = expectations.max_conflicts
    if most is not None and (met := sum(call.met_conflict for call in calls)) > most * len(calls):
        text = f"{met:,} of {len(calls):,} calls met a conflict ({met / len(calls):.2%}), more than {most:.2%}"
        yield Finding("max_conflicts", text)
    bound = expectations.starved_retries
    if bound is not None:
        starved = [call for call in calls if call.retries > bound]
        summary = f"{{n}} calls were retried more than {bound} times"
        yield from found("starved", summary, starved, lambda c: f"{c}, {c.retries} retries", lambda c: c.retries)
    limit = expectations.starved_s
    if limit is not None:
        slow = [call for call in calls if (call.latency_ms or 0) > limit * 1000]
        summary = f"{{n}} calls waited longer than {limit:g} s"
        yield from found("starved", summary, slow, _wait, lambda call: call.latency_ms or 0)


def _wait(call: Call) -> str:
    return f"{call}, {call.latency_ms or 0:,.0f} ms"


def _thresholds(history: History, expectations: Expectations) -> Iterator[Finding]:
    bound = expectations.max_p99_ms
    waits = sorted(caller_ms(history.calls)) if bound is not None else []
    if bound is not None and (not waits or percentile(waits, 99) > bound):
        p99 = f"{percentile(waits, 99):,.1f} ms" if waits else "unknown"
        slow = [call for call in history.calls if (call.latency_ms or 0) > bound]
        summary = f"the caller's p99 is {p99}, more than {bound:g} ms"
        yield stated("max_p99", summary, slow, _wait, lambda call: call.latency_ms or 0)
    if expectations.min_rate is not None and (rate := achieved_rate(history)) < expectations.min_rate:
        yield Finding("min_rate", f"{rate:,.1f} calls/s were answered, fewer than {expectations.min_rate:g}")
    most = expectations.max_retries
    if most is not None:
        retried = [call for call in history.calls if call.retries > most]
        summary = f"{{n}} calls were retried more than {most} times"
        yield from found("max_retries", summary, retried, lambda c: f"{c}, {c.retries} retries", lambda c: c.retries)
