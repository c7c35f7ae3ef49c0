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
from runs import TAUGHT, Playbook

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: see requirements-test.txt")
axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: install Debian's package of that name")

BEGAN = 1_795_931_000
HOSTILE = "<script>document.title='broken'</script>\"><img src=//example.org/x onerror=alert(1)>" + "W" * 400
SIZES = [(1440, 900), (360, 740)]


def moment(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"2026-11-29T05:{43 + int(minutes):02}:{rest:06.3f}+00:00"


def requests(count: int, lost: range) -> list[dict[str, t.Any]]:
    return [
        {
            "number": number,
            "at": BEGAN + number * 0.05,
            "seconds": 0.004,
            "status": 0 if number in lost else 200,
            "error": "refused" if number in lost else None,
            "body": None if number in lost else f"version {1 if number < lost.start else 2} of server\n",
        }
        for number in range(count)
    ]


def job(uid: str, *created: float, ended: str | None = None) -> dict[str, t.Any]:
    return {
        "uid": uid,
        "pods": len(created),
        "created_at": [BEGAN + at for at in created],
        "ended": ended and "Failed",
        "reason": ended,
        "ended_at": BEGAN + created[-1] + 5 if ended else None,
    }


def spell(state: str, at: float, seconds: float) -> dict[str, t.Any]:
    return {"state": state, "at": BEGAN + at, "seconds": seconds, "passed_requests": 3}


OBSERVED: dict[str, list[tuple[str, dict[str, t.Any]]]] = {
    "build_and_runtime": [("antipattern", {"antipattern_bytes": 524889920, "pattern_bytes": 79061788})],
    "pod_readiness": [
        ("antipattern", {"failed_requests": 602, "ready_at": BEGAN + 13, "samples": requests(980, range(250, 852))}),
        ("pattern", {"failed_requests": 0, "samples": requests(889, range(0))}),
    ],
    "failing_jobs": [
        ("antipattern", {"storm": job("a", *[0] * 10, *[14] * 10, *[35] * 10), "unbounded": job("b", 0, 13, 33)}),
        ("pattern", {"deadline": job("c", 0, 15, ended="DeadlineExceeded")}),
    ],
    "circuit_breaker": [
        ("antipattern", {"fastest_seconds": 30.01, "slowest_seconds": 30.08}),
        (
            "pattern",
            {
                "pages_seconds": [0.016, 0.006, 0.04],
                "spells": [spell("closed", 0, 16), spell("open", 16, 31), spell("half-open", 47, 0.002)],
            },
        ),
    ],
}


def report(names: t.Iterable[str], *, evidence: bool = True, fallen: t.Collection[str] = ()) -> dict[str, t.Any]:
    """A claims.json of those lessons, in which a claim of some fell."""
    lessons, claims = [], []
    for place, name in enumerate(names):
        for number, (shows, observed) in enumerate(OBSERVED.get(name, [("pattern", {"served": 6})])):
            holds = name not in fallen or number > 0
            claims.append(
                {
                    "lesson": name,
                    "claim": f"Claim {number + 1} of {name}, a sentence of the length that claims have at most, holds",
                    "shows": shows,
                    "holds": holds,
                    "observed": observed,
                    **({"evidence": dict(list(observed.items())[:1])} if evidence else {}),
                    "at": moment(20 + 5 * place + number),
                    "seconds": 4.5,
                    "false_conditions": [] if holds else [{"condition": "served == 7", "reason": None}],
                }
            )
        lessons.append(
            {
                "lesson": name,
                "status": "failed" if name in fallen else "held",
                "seconds": 40.0,
                "started": moment(1 + 5 * place),
                "ended": moment(41 + 5 * place),
                "skipped": [],
                "not_reached": ["It ends well"] if name in fallen else [],
                "message": '"It holds" does not hold' if name in fallen else None,
            }
        )
    about = {"started": moment(0), "finished": moment(120), "seconds": 120.0, "versions": {"kubernetes": "v1.37.2"}}
    return {"run": about, "lessons": lessons, "claims": claims}


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


def test_the_playbook_writes_the_pages_again_and_shows_what_changed(playbook: Playbook) -> None:
    folder = playbook.folder / "workshop-report"
    folder.mkdir()
    (folder / "claims.json").write_text(json.dumps(report(TAUGHT, fallen=["logging"])))
    earlier = playbook.folder / "earlier.json"
    earlier.write_text(json.dumps(report(TAUGHT)))
    run = playbook("workshop.production_patterns.report", workshop_report_earlier=str(earlier))
    assert run.code == 0, run.output
    assert "Since the earlier run: 1 fell, 1 lesson has another status." in run.output
    assert (folder / "changes.html").is_file()
    again = playbook("workshop.production_patterns.report", workshop_report_earlier=str(earlier))
    assert "changed=0" in again.output


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "There is no nowhere/claims.json"), ("{", "is no report of a run: it is not JSON")],
)
def test_what_is_no_report_is_told_in_a_sentence(playbook: Playbook, text, said) -> None:
    if text is not None:
        (playbook.folder / "nowhere").mkdir()
        (playbook.folder / "nowhere/claims.json").write_text(text)
    run = playbook("workshop.production_patterns.report", workshop_report_dir="nowhere")
    assert run.code != 0
    assert said in " ".join(run.output.split())
    assert "Traceback" not in run.output
