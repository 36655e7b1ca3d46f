"""What all pages have in common: how they look on a phone and on a screen, by day and by night. Nothing is fetched."""

import html
from typing import Final

_STYLE: Final = """
:root {
  color-scheme: light dark; --ink: #1d2733; --soft: #5b6878; --line: #e3e6ea; --good: #2a7f62; --bad: #b3261e;
  --paper: #fff;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ee; --soft: #a3adb9; --line: #39424d; --good: #57b894; --bad: #ef7b72; --paper: #171c22; }
  svg { filter: invert(1) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 1rem; font: 16px/1.45 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
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
.plots figure:last-child:nth-child(odd) { grid-column: 1 / -1; }
.plots svg { max-width: 34rem; margin: 0 auto; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .4rem; }
section, figure { margin: 0; border: 1px solid var(--line); border-radius: .5rem; padding: .8rem; min-width: 0; }
h2 small { white-space: nowrap; color: var(--soft); font-weight: normal; }
svg { display: block; width: 100%; height: auto; }
pre { overflow-x: auto; font: 13px/1.4 ui-monospace, monospace; margin: 0; }
.storms { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.storms section { border-left: .5rem solid var(--good); }
.storms section.fail { border-left-color: var(--bad); }
.storms dl { display: grid; grid-template-columns: 1fr auto; gap: .2rem .8rem; margin: .6rem 0 0; }
.storms dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
a { color: inherit; }
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
{body}
</body>
</html>
"""


def page(title: str, remarks: str, body: str, *, passed: bool) -> str:
    """Return a page that its verdict opens; ``remarks`` and ``body`` are HTML, the title is text."""
    verdict = "pass" if passed else "fail"
    return _PAGE.format(title=html.escape(title), style=_STYLE, verdict=verdict, remarks=remarks, body=body)
