"""A storm's pages in a browser, on a screen and on a phone, by day and by night: all is there, nothing is cut off."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from pytest_dsql.storm.record.common import Fault
from pytest_dsql.storm.record.statistics import measure
from pytest_dsql.storm.record.verdict import Finding, Verdict
from pytest_dsql.storm.report import index, page
from tests.unit.storm.bank import busy

SCREEN: Final = (1280, 900)
PHONE: Final = (390, 844)
FAILED: Final = Verdict((Finding("reconciliation", f"account 7 has {'9' * 90} of 100"),), ambiguous=tuple(range(40)))
PAGES: Final = (index.INDEX, f"passed/{page.PAGE}", f"failed/{page.PAGE}")
LEFT: Final = sorted(map(str, Path(folder).rglob("*.html"))) if (folder := os.environ.get("DSQL_REPORTS")) else []
"""What storms have left below a folder that the run is told of."""
CUT_OFF: Final = """() => [...document.querySelectorAll("html, body *")]
    .filter(each => !each.closest("pre, svg") && each.clientWidth && each.scrollWidth > each.clientWidth + 1)
    .map(each => each.outerHTML.slice(0, 100))"""
"""What is wider inside than outside; the report's text scrolls by itself."""
LIGHTNESS: Final = """selector => {
    const rgb = getComputedStyle(document.querySelector(selector));
    const light = colour => colour.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765;
    return [light(rgb.backgroundColor), light(rgb.color)];
}"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a run of two storms, one of which has failed and had a fault."""
    folder, history = tmp_path_factory.mktemp("reports"), busy().history()
    broken = replace(history, faults=(Fault("kill-postgres", 0.5, 0.9, 1),))
    entries = []
    for name, each, verdict in (("passed", history, Verdict()), ("failed", broken, FAILED)):
        figures = measure(each)
        page.write(folder / name, each, figures, verdict)
        entries.append(
            index.Entry(name, each.facts.target, f"{name}, in a line", verdict.passed, figures, folder / name)
        )
    index.write(folder, entries)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not on this machine")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SCREEN, PHONE], ids=["screen", "phone"])
@pytest.mark.parametrize("name", [*PAGES, *LEFT])
def test_a_page_is_whole(
    browser: Any, reports: Path, name: str, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    said: list[str] = []
    with browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme) as context:
        shown = context.new_page()
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("request", lambda request: said.append(request.url) if "http" in request.url else None)
        shown.goto((reports / name).as_uri())
        assert said == []
        assert shown.evaluate(CUT_OFF) == []
        paper, ink = shown.evaluate(LIGHTNESS, "body")
        assert paper > ink if scheme == "light" else paper < ink


def test_what_is_too_wide_is_seen(browser: Any, reports: Path) -> None:
    with browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}) as context:
        shown = context.new_page()
        shown.goto((reports / PAGES[0]).as_uri())
        shown.evaluate("document.querySelector('h1').style.whiteSpace = 'nowrap'")
        shown.evaluate("document.querySelector('h1').textContent = 'wide '.repeat(99)")
        assert shown.evaluate(CUT_OFF)


def test_every_plot_says_what_it_shows(browser: Any, reports: Path) -> None:
    with browser.new_context() as context:
        shown = context.new_page()
        shown.goto((reports / PAGES[1]).as_uri())
        figures = shown.locator("figure").all()
        assert len(figures) == 6
        for figure in figures:
            assert len(figure.locator("figcaption").inner_text()) > 40
            assert figure.locator("svg").get_attribute("aria-label")


def test_the_overview_leads_to_each_storm(browser: Any, reports: Path) -> None:
    with browser.new_context() as context:
        shown = context.new_page()
        for name in ("passed", "failed"):
            shown.goto((reports / index.INDEX).as_uri())
            shown.get_by_role("link", name=name).click()
            assert shown.url == (reports / name / page.PAGE).as_uri()
