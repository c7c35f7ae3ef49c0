# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""The report as pages: an overview, one for each lesson, and one for what changed since an earlier run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.workshop.production_patterns.plugins.lookup.lessons import lessons as taught
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import pictures, prose, units
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.changes import compare, summary
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.figures import figure
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.model import replace
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.reading import Claim, Lesson, Run
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
MANIFESTS = "manifests"
"""The folder of a report that has those of each lesson in a folder of its name."""
ROLES = Path(__file__).resolve().parents[3] / "roles"

_LONGEST_TEXT = 2_000
"""Characters of a value that are shown."""
_LINE = 160
"""Characters up to which a text stands on a line."""
_ITEMS = 12
"""Items of a list that are shown in a line."""
_ROWS = 60
"""Values of a claim, and rows of a table, that are shown."""
_COLUMNS = 10
_DEPTH = 4
_CLAIMS = 200
"""Claims of a lesson that are shown with their evidence."""


class Table(t.NamedTuple):
    """Samples."""

    head: list[str]
    rows: list[list[str]]
    total: int


class Row(t.NamedTuple):
    """A value as it is shown."""

    label: str
    text: str
    table: Table | None = None
    unit: str | None = None
    """What kind of value it is, where its name says it."""

    @property
    def is_block(self) -> bool:
        return "\n" in self.text.strip() or len(self.text) > _LINE


@dataclass
class Shown:
    """A claim as it is shown."""

    claim: Claim
    anchor: str
    evidence: list[Row]
    more: list[Row]
    """What else was observed, folded."""


@dataclass
class Page:
    """A lesson as it is shown."""

    lesson: Lesson
    file: str
    title: str | None
    about: str | None
    figure: str | None
    claims: list[Shown]

    @property
    def fallen(self) -> list[Shown]:
        return [shown for shown in self.claims if not shown.claim.holds]


class Written(t.NamedTuple):
    """What became of the pages of a report."""

    first: Path
    changed: list[str]
    """The names of the files that were not so before."""
    missing: list[str]
    """What the pages lack for want of a library."""
    summary: str | None
    """What changed since the earlier run."""


def write(folder: Path, run: Run, earlier: Run | None = None, *, roles: Path = ROLES, dry: bool = False) -> Written:
    """Write the pages of a run into a folder, and remove those of lessons that it has not; dry only tells."""
    made = pages(run, earlier, roles=roles)
    changed = []
    for name, text in made.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
            changed.append(name)
            if not dry:
                path.parent.mkdir(parents=True, exist_ok=True)
                replace(path, text)
    for name, source in contexts(run, roles).items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != source.read_bytes():
            changed.append(name)
            if not dry:
                path.parent.mkdir(parents=True, exist_ok=True)
                # What is run in an image is executable here too.
                shutil.copy2(source, path)
    for name in sorted({f"{lesson}.html" for lesson in [*taught(roles), "changes"]} - made.keys()):
        if (folder / name).is_file():
            changed.append(name)
            if not dry:
                (folder / name).unlink()
    said = None if earlier is None else summary(compare(earlier, run))
    return Written(folder / "index.html", changed, prose.missing(), said)


def pages(run: Run, earlier: Run | None = None, *, roles: Path = ROLES) -> dict[str, str]:
    """The texts of the pages by the names of their files."""
    about: dict[str, dict[str, t.Any]] = {name: dict(said) for name, said in taught(roles).items()}
    names = _files([lesson.name for lesson in run.lessons])
    shown = [_page(lesson, names[lesson.name], about.get(lesson.name, {}), run, roles) for lesson in run.lessons]
    changes = None if earlier is None else compare(earlier, run)
    environment = _environment()
    common = {"run": run, "lessons": shown, "names": names, "missing": prose.missing()}
    made = {
        "index.html": environment.get_template("index.html.j2").render(
            **common, timeline=pictures.of_run(run), changed=None if changes is None else summary(changes)
        )
    }
    template = environment.get_template("lesson.html.j2")
    for number, page in enumerate(shown):
        role = roles / page.lesson.name if page.lesson.name in about else None
        near_misses = about.get(page.lesson.name, {}).get("near_misses")
        found = [] if role is None else prose.files(role, near_misses)
        text = "" if role is None else prose.title_and_text(_read(role / "README.md"))[1]
        made[page.file] = template.render(
            **common,
            page=page,
            text=prose.rendered(text, _links(names, found)) if text else None,
            files=found,
            manifests=[] if role is None else prose.manifests(page.lesson.manifests, role, near_misses),
            pictures=pictures.of_lesson(page.lesson, about.get(page.lesson.name, {}).get("bars")),
            before=shown[number - 1] if number else None,
            after=shown[number + 1] if number + 1 < len(shown) else None,
        )
        made |= {f"{_folder(page.file)}/{name}": text for name, text in page.lesson.manifests.items()}
    if changes is not None:
        made["changes.html"] = environment.get_template("changes.html.j2").render(
            **common, changes=changes, earlier=earlier, changed=summary(changes)
        )
    return made


def contexts(run: Run, roles: Path) -> dict[str, Path]:
    """The Dockerfiles of the lessons that ran with all that they copy, by their names in the report."""
    names = _files([lesson.name for lesson in run.lessons])
    known = [lesson for lesson in run.lessons if lesson.name in taught(roles) and lesson.status != "not run"]
    return {
        f"{_folder(names[lesson.name])}/{path.relative_to(roles / lesson.name / 'files').as_posix()}": path
        for lesson in known
        for path in sorted((roles / lesson.name / "files").glob("**/*"))
        if path.is_file()
    }


def _folder(page: str) -> str:
    """Where the files of a lesson stand that has this page."""
    return f"{MANIFESTS}/{page.removesuffix('.html')}"


def rows(observed: dict[str, t.Any], began: float | None) -> list[Row]:
    """Observed values as they are shown, nested ones by the names on the way to them."""
    found: list[Row] = []
    for name, value in observed.items():
        _collect(found, name, units.words(name), value, began, 0)
    # Such as pages and pages_seconds.
    seen: set[str] = set()
    for index, row in enumerate(found):
        if row.label in seen and row.unit:
            found[index] = row._replace(label=f"{row.label} ({row.unit})")
        seen.add(row.label)
    if rest := found[_ROWS:]:
        found[_ROWS:] = [Row("and more", f"{len(rest)} {'value' if len(rest) == 1 else 'values'} in claims.json")]
    return found


def _collect(found: list[Row], name: str, label: str, value: t.Any, began: float | None, depth: int) -> None:
    label = label[-200:]
    if isinstance(value, dict) and value and depth < _DEPTH:
        for key, item in value.items():
            # A name within another may have dots that are its own.
            _collect(found, key, f"{label} › {units.words(key, dotted=False)}", item, began, depth + 1)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        found.append(Row(label, f"{len(value):,} {'sample' if len(value) == 1 else 'samples'}", _table(value, began)))
    elif isinstance(value, list) and value and not any(isinstance(item, (dict, list)) for item in value):
        text = ", ".join(units.said(name, item) for item in value[:_ITEMS])
        text = _cut(text) + (f", … {len(value):,} in all" if len(value) > _ITEMS else "")
        found.append(Row(label, text, unit=units.kind_of(name)))
    elif isinstance(value, (dict, list)):
        found.append(Row(label, _cut(json.dumps(value, ensure_ascii=False)) if value else "none"))
    else:
        text = units.said(name, value)
        found.append(Row(label, _cut(text) if text.strip() else "empty", unit=units.kind_of(name)))


def _table(samples: list[dict[str, t.Any]], began: float | None) -> Table:
    names = list(dict.fromkeys(name for sample in samples[:_ROWS] for name in sample))[:_COLUMNS]
    return Table(
        [units.words(name)[:80] for name in names],
        [[_cell(name, sample.get(name), began) for name in names] for sample in samples[:_ROWS]],
        len(samples),
    )


def _cell(name: str, value: t.Any, began: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return _cut(json.dumps(value, ensure_ascii=False), 120)
    if units.unit_of(name) == "at" and began is not None and isinstance(value, float) and value > began:
        return f"+{value - began:.3f} s"
    return _cut(units.said(name, value), 120)


def _cut(text: str, longest: int = _LONGEST_TEXT) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… {len(text):,} characters in all"


def _page(lesson: Lesson, file: str, about: dict[str, t.Any], run: Run, roles: Path) -> Page:
    title = prose.title_and_text(_read(roles / lesson.name / "README.md"))[0] if about else None
    said = [_shown(claim, number, run.started) for number, claim in enumerate(lesson.claims[:_CLAIMS], 1)]
    return Page(lesson, file, title, about.get("title"), figure(lesson, about.get("figure")), said)


def _shown(claim: Claim, number: int, began: float | None) -> Shown:
    observed = rows(claim.observed, began)
    if claim.observed.get("no_log") is True:
        return Shown(claim, f"claim-{number}", [Row("observed", "not shown, since the claim is under no_log")], [])
    if claim.evidence:
        evidence = rows(claim.evidence, began)
        return Shown(claim, f"claim-{number}", evidence, observed if observed != evidence else [])
    # Of a report that does not say what the conditions read, what is short and stands at the top.
    plain = [row for row in observed if row.table is None and not row.is_block and row.label != "uid"]
    short = sorted(plain, key=lambda row: row.label.count("›"))[:8]
    return Shown(claim, f"claim-{number}", short, [row for row in observed if row not in short])


def _files(names: list[str]) -> dict[str, str]:
    """The names of the lessons' pages, whatever the lessons are called."""
    files: dict[str, str] = {}
    for name in names:
        base = re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:60].strip("-") or "lesson"
        wanted, number = base, 1
        while f"{wanted}.html" in {"index.html", "changes.html", *files.values()}:
            number += 1
            wanted = f"{base}-{number}"
        files[name] = f"{wanted}.html"
    return files


def _links(names: dict[str, str], files: list[prose.File]) -> t.Callable[[str], str | None]:
    anchors = {file.name: f"#{file.anchor}" for file in files}

    def link(address: str) -> str | None:
        if address.startswith("https://") or address in anchors:
            return anchors.get(address, address)
        other = re.fullmatch(r"\.\./(\w+)/README\.md", address)
        return names.get(other[1]) if other else None

    return link


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    environment.globals.update(
        # Files of this collection, and no text of a run.
        style=Markup(style),
        script=Markup(script),
        policy=(
            f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
            "base-uri 'none'; form-action 'none'"
        ),
    )
    environment.filters.update(duration=units.duration, date=units.date, words=units.words)
    return environment


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
