# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The pages of a report in a real browser, for reports as runs leave them and for those that nobody wishes for."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import pages, reading
from reports import report, requests
from runs import TAUGHT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: see requirements-test.txt")
axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: install Debian's package of that name")

HOSTILE = "<script>document.title='broken'</script>\"><img src=//example.org/x onerror=alert(1)>" + "W" * 400
SIZES = [(1440, 900), (360, 740)]


def hostile() -> dict[str, t.Any]:
    made = json.loads(json.dumps(report([HOSTILE, "../sidecar"], fallen=["../sidecar"])))
    for claim in made["claims"]:
        claim["claim"] = HOSTILE + "\x00\x1b[31m\u202e"
        claim["observed"] = {HOSTILE: HOSTILE, "samples": requests(60_000, range(5)), "lines": [HOSTILE] * 30}
        claim["false_conditions"] = [{"condition": HOSTILE, "reason": HOSTILE}]
    return made


def not_run() -> dict[str, t.Any]:
    made = report(["direct_pods"])
    absent = {"status": "not run", "seconds": 0.0, "started": None, "ended": None, "message": None}
    made["lessons"].append({"lesson": "logging", **absent, "skipped": [], "not_reached": []})
    return made


REPORTS: dict[str, t.Callable[[], dict[str, t.Any]]] = {
    "of all lessons, with failures": lambda: report(TAUGHT, fallen=["failing_jobs", "logging"]),
    "of one lesson": lambda: report(["circuit_breaker"]),
    "with a lesson that was not run": not_run,
    "of an older version": lambda: report(["pod_readiness", "failing_jobs"], evidence=False),
    "of hostile text": hostile,
}
PICTURES = {"pod_readiness": 2, "failing_jobs": 1, "circuit_breaker": 1, "build_and_runtime": 1}


class Browser:
    """Chromium, and what it complained about or asked for."""

    def __init__(self, chromium: t.Any) -> None:
        self.chromium = chromium
        self.complaints: list[str] = []
        self.asked: list[str] = []

    def page(self, path: Path, size: tuple[int, int], scheme: str = "light") -> t.Any:
        context = self.chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(f"{path.name}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"{path.name}: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(path.as_uri())
        return page


@pytest.fixture(scope="module")
def chromium() -> t.Iterator[t.Any]:
    with playwright.sync_playwright() as started:
        # Chromium's own sandbox is not to be had in most containers.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium) -> Browser:
    return Browser(chromium)


@pytest.fixture(scope="module", params=REPORTS)
def written(request, tmp_path_factory) -> Path:
    """A folder with the pages of a report."""
    folder = tmp_path_factory.mktemp("report")
    pages.write(folder, reading.run(json.dumps(REPORTS[request.param]())))
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    return folder


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_pages_fit_ask_for_nothing_and_complain_about_nothing(browser, written, size) -> None:
    for path in sorted(written.glob("*.html")):
        page = browser.page(path, size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path.name
        assert page.title() != "broken"
        page.context.close()
    assert browser.complaints == []
    assert [url for url in browser.asked if not url.startswith(("file://", "data:"))] == []
    assert len([url for url in browser.asked if url.startswith("file://")]) == len(list(written.glob("*.html")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_against_the_pages(browser, written, scheme) -> None:
    script = (Path(axe.__file__).parent / "axe.min.js").read_text()
    found = []
    for path in [written / "index.html", *sorted(written.glob("[!i]*.html"))[:3]]:
        page = browser.page(path, SIZES[0], scheme)
        page.evaluate(script)
        for violation in page.evaluate("axe.run()")["violations"]:
            found.append((path.name, violation["id"], violation["nodes"][0]["html"][:200]))
        page.context.close()
    assert found == []


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_every_picture_is_there_and_not_empty(browser, tmp_path, size) -> None:
    pages.write(tmp_path, reading.run(json.dumps(report(TAUGHT))))
    for name, least in {"index": 1, **PICTURES}.items():
        page = browser.page(tmp_path / f"{name}.html", size)
        seen = page.evaluate(
            """[...document.querySelectorAll('svg')].filter((svg) => svg.checkVisibility()).map((svg) => ({
                title: svg.querySelector('title').textContent,
                told: svg.querySelector('desc').textContent.length,
                drawn: [...svg.querySelectorAll('rect, path')].filter((shape) => {
                    const style = getComputedStyle(shape);
                    return shape.getBBox().width + shape.getBBox().height > 0
                        && (style.fill !== 'none' || style.stroke !== 'none');
                }).length,
                outside: [...svg.querySelectorAll('text')].filter((text) => {
                    const box = text.getBBox();
                    return box.x < -1 || box.x + box.width > svg.viewBox.baseVal.width + 1;
                }).map((text) => text.textContent),
            }))"""
        )
        assert len(seen) >= least, name
        for picture in seen:
            assert picture["title"]
            assert picture["told"] > 20
            assert picture["drawn"] > 3, picture
            assert picture["outside"] == [], picture
        page.context.close()


def test_a_search_and_the_keyboard_lead_to_a_claim(browser, tmp_path) -> None:
    pages.write(tmp_path, reading.run(json.dumps(report(TAUGHT))))
    page = browser.page(tmp_path / "index.html", SIZES[0])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("/")
    page.keyboard.type("circuit 30")
    shown = page.locator("#list > li:visible")
    assert shown.count() == page.locator("#list > li", has_text="circuit_breaker").count() - 1 == 1
    assert page.locator("#found").text_content() == f"1 of {page.locator('#list > li').count()} claims"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/circuit_breaker.html#claim-1")
    assert page.locator("#claim-1").is_visible()


def test_a_console_is_copied_without_its_prompts_and_answers(browser, tmp_path) -> None:
    pages.write(tmp_path, reading.run(json.dumps(report(["failing_jobs"]))))
    page = browser.page(tmp_path / "failing_jobs.html", SIZES[0])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console = page.locator(".codebox", has_text="export KUBECONFIG")
    console.locator("button").click()
    console.locator("button", has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("export KUBECONFIG=")
    assert "NAME " not in copied
    assert all(not line.startswith("$") for line in copied.splitlines())


def test_paper_has_all_the_evidence_and_none_of_the_buttons(browser, tmp_path) -> None:
    pages.write(tmp_path, reading.run(json.dumps(report(["pod_readiness"]))))
    page = browser.page(tmp_path / "pod_readiness.html", (800, 1100))
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
    assert not page.locator("button").first.is_visible()
    assert page.pdf().startswith(b"%PDF")
