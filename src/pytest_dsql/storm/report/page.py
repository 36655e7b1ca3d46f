"""The report of a storm as one page for a browser: nothing is fetched, a phone shows it too."""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_dsql.storm.record.common import History as Drawn
from pytest_dsql.storm.record.model import History
from pytest_dsql.storm.record.statistics import Spread, Statistics, share
from pytest_dsql.storm.record.verdict import Verdict
from pytest_dsql.storm.report import export, plots
from pytest_dsql.storm.report import text as report

JSON: Final = "report.json"
CSV: Final = "seconds.csv"
PAGE: Final = "report.html"

_STYLE: Final = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5b6878; --line: #e3e6ea; --good: #2a7f62; --bad: #b3261e; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 1rem; font: 16px/1.45 system-ui, sans-serif; color: var(--ink); }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
header { border-left: .5rem solid var(--good); padding: .25rem 0 .25rem 1rem; margin-bottom: 1.25rem; }
header.fail { border-color: var(--bad); }
header li { overflow-wrap: anywhere; margin: .3rem 0; }
header ul { padding-left: 1.1rem; margin: .5rem 0 0; }
p { margin: .25rem 0; color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(2, 1fr); gap: .6rem; margin: 0 0 1.25rem; }
@media (min-width: 48rem) { .figures { grid-template-columns: repeat(4, 1fr); } }
.figures div { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.figures dt { color: var(--soft); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.figures small { display: block; color: var(--soft); font-size: .8rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem; }
.plots section:last-child:nth-child(odd) { grid-column: 1 / -1; }
.plots svg { max-width: 34rem; margin: 0 auto; }
section { border: 1px solid var(--line); border-radius: .5rem; padding: .8rem; min-width: 0; }
section small { white-space: nowrap; color: var(--soft); font-weight: normal; }
svg { display: block; width: 100%; height: auto; }
pre { overflow-x: auto; font: 13px/1.4 ui-monospace, monospace; margin: 0; }
details { margin-top: 1.25rem; }
summary { cursor: pointer; margin-bottom: .5rem; }
""".strip()

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<header class="{verdict}">
<h1>{title}</h1>
{remarks}
</header>
<dl class="figures">
{figures}
</dl>
<div class="plots">
{plots}
</div>
<details open>
<summary>The report as text</summary>
<section><pre>{text}</pre></section>
</details>
</body>
</html>
"""


def write(folder: Path, history: History, statistics: Statistics, verdict: Verdict) -> None:
    """Write ``report.json``, ``seconds.csv`` and ``report.html`` into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        (JSON, export.as_json(history, statistics, verdict)),
        (CSV, export.as_csv(statistics)),
        (PAGE, page(history, statistics, verdict)),
    ):
        (folder / name).write_text(content, encoding="utf-8")


def page(history: History, statistics: Statistics, verdict: Verdict) -> str:
    """Return the page: the verdict, the main figures, the plots, the report as text."""
    facts = history.facts
    seed = facts.configuration.get("seed", "not told")
    words = Words(
        report.headline(facts.target, statistics, verdict),
        f"{facts.started}, seed {seed}",
        report.unknown_note(verdict),
        report.text(history, statistics, verdict),
    )
    return drawn(words, history, statistics, verdict)


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says of a storm: its verdict in a line, which one it was, a note where there is one, and all."""

    headline: str
    which: str
    note: str | None
    text: str


def drawn(words: Words, history: Drawn, statistics: Statistics, verdict: Verdict) -> str:
    """Return the page of any storm."""
    target = history.facts.target
    return _PAGE.format(
        title=html.escape(words.headline),
        style=_STYLE,
        verdict="pass" if verdict.passed else "fail",
        remarks=_remarks(words, verdict),
        figures="\n".join(_figures(target, statistics)),
        plots="\n".join(
            f"<section><h2>{title} <small>{html.escape(target)}</small></h2>\n{svg}</section>"
            for title, svg in plots.draw(history, statistics).items()
        ),
        text=html.escape(words.text),
    )


def _remarks(words: Words, verdict: Verdict) -> str:
    items = [f"<b>{html.escape(f.name)}</b>: {html.escape(f.text)}" for f in verdict.findings]
    if words.note:
        items.append(html.escape(words.note))
    when = f"<p>{html.escape(words.which)}</p>"
    return when + ("<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>" if items else "")


def _figures(target: str, figures: Statistics) -> Iterable[str]:
    offered = "all at once" if figures.offered_rate is None else f"{figures.offered_rate:,.0f} offered"
    rows = (
        ("Committed", f"{figures.committed:,}", f"{share(figures.committed, figures.calls):.2%}"),
        ("Refused", f"{figures.refused:,}", f"{share(figures.refused, figures.calls):.2%}"),
        ("Unknown", f"{figures.unknown:,}", f"{share(figures.unknown, figures.calls):.2%}"),
        ("Calls per second", f"{figures.achieved_rate:,.0f}", offered),
        ("Function's p50 / p99", _halves(figures.function_ms), "its own duration"),
        ("Caller's p50 / p99", _halves(figures.caller_ms), "since due"),
        ("Met a conflict", f"{share(figures.conflicts, figures.calls):.2%}", f"{figures.conflicts:,} calls"),
        ("Retries", f"{figures.retries_total:,}", f"at most {figures.retries_max:,} of one call"),
    )
    for label, value, note in rows:
        notes = "".join(f"<small>{html.escape(text)}</small>" for text in (note, target))
        yield f"<div><dt>{html.escape(label)}</dt><dd>{html.escape(value)}{notes}</dd></div>"


def _halves(spread: Spread | None) -> str:
    return f"{spread.p50:,.0f} / {spread.p99:,.0f} ms" if spread else "not told"
