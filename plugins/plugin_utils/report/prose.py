# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

"""The pages of lessons and their files as HTML, by libraries that a run can do without."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable
from pathlib import Path

from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.manifests import (
    deciding,
    template_of,
)
from markupsafe import Markup, escape

try:
    from markdown_it import MarkdownIt as _Markdown
except ImportError:
    _Markdown = None  # type: ignore[assignment, misc]
try:
    from pygments import highlight as _highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
    from pygments.util import ClassNotFound
except ImportError:
    _highlight = None

_COMMENT = re.compile(r"\A\s*<!--.*?-->\s*", re.DOTALL)
_TITLE = re.compile(r"\A# +(.+?)\s*\n")
_FOLDED = re.compile(r"<details><summary>([^<>]+)</summary>")
_LARGEST_FILE = 40_000
"""Bytes up to which a file is shown."""


class File(t.NamedTuple):
    """A file of a lesson."""

    name: str
    """Its path in the role."""
    anchor: str
    html: Markup
    is_marked: bool = False
    """Whether some of its lines are."""


def missing() -> list[str]:
    """What the pages lack because a library is not installed, in sentences."""
    lacks = []
    if _Markdown is None:
        lacks.append("The lessons' texts are shown as they are written, since markdown-it-py is not installed.")
    if _highlight is None:
        lacks.append("Code has no colours, since pygments is not installed.")
    return lacks


def title_and_text(page: str) -> tuple[str | None, str]:
    """The title of a page, and its text without it and without the comment on its licence."""
    page = _COMMENT.sub("", page)
    title = _TITLE.match(page)
    return (title[1], page[title.end() :]) if title else (None, page)


def rendered(text: str, link: Callable[[str], str | None]) -> Markup:
    """Markdown as HTML, its headings one level lower. link gives the address that a link leads to, None where none."""
    if _Markdown is None:
        return Markup('<pre class="text" tabindex="0">{}</pre>').format(text)
    parser = _Markdown("commonmark", {"html": False}).enable("table")
    parser.block.ruler.before("paragraph", "folded", _folded)
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 1)}"
        for child in token.children or []:
            if child.type == "link_open":
                address = link(str(child.attrGet("href")))
                child.attrs = {} if address is None else {"href": address, "rel": "noreferrer"}
            elif child.type == "image":
                # Nothing is loaded from anywhere; what it shows is told.
                child.type = "text"
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_block", _fence)
    parser.add_render_rule(
        "table_open", lambda *_args: '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>'
    )
    parser.add_render_rule("table_close", lambda *_args: "</table></div>")
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _folded(state: t.Any, start: int, end: int, _silent: bool) -> bool:
    """A block between two lines that are `<details><summary>…</summary>` and `</details>`, the only HTML there is."""

    def line(number: int) -> str:
        return str(state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]).strip()

    opening = _FOLDED.fullmatch(line(start))
    if opening is None or state.is_code_block(start):
        return False
    closing = next((number for number in range(start + 1, end) if line(number) == "</details>"), None)
    # It ends in the item of a list in which it begins.
    if closing is None or any(
        line(number) and state.sCount[number] < state.blkIndent for number in range(start, closing + 1)
    ):
        return False
    state.push("details_open", "details", 1)
    state.push("summary_open", "summary", 1)
    summary = state.push("inline", "", 0)
    summary.content, summary.children = opening[1], []
    state.push("summary_close", "summary", -1)
    # A paragraph goes on to the last line that there is.
    outer, state.lineMax = state.lineMax, closing
    state.md.block.tokenize(state, start + 1, closing)
    state.lineMax = outer
    state.push("details_close", "details", -1)
    state.line = closing + 1
    return True


def _fence(_renderer: t.Any, tokens: t.Any, index: int, _options: t.Any, _env: t.Any) -> str:
    token = tokens[index]
    return block(token.content, next(iter(token.info.split()), ""))


def block(code: str, language: str) -> Markup:
    """Code in a box, with its colours."""
    return Markup('<pre class="code" tabindex="0"><code>{}</code></pre>').format(_coloured(code, language=language))


def files(role: Path, near_misses: t.Any = None) -> list[File]:
    """The templates and files of a role that are text, with the lines marked that its near misses change."""
    found = []
    for path in sorted([*role.glob("templates/**/*"), *role.glob("files/**/*")]):
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        name = path.relative_to(role).as_posix()
        found.append(_file(name, text, deciding(name, text, text, near_misses)))
    return found


def manifests(applied: dict[str, str], role: Path, near_misses: t.Any = None) -> list[File]:
    """What was applied, with the lines marked that the near misses of its lesson change."""
    found = []
    for name, text in applied.items():
        template = template_of(name, role)
        marked = [] if template is None else deciding(template, text, (role / template).read_text("utf-8"), near_misses)
        found.append(_file(name, text, marked))
    return found


def _file(name: str, text: str, marked: list[int]) -> File:
    code = Markup('<pre class="code" tabindex="0"><code>{}</code></pre>').format(
        _coloured(text, file=Path(name), marked=marked)
    )
    return File(name, "file-" + re.sub(r"[^a-z0-9]+", "-", name.lower()), code, bool(marked))


def _coloured(code: str, *, language: str = "", file: Path | None = None, marked: list[int] | None = None) -> Markup:
    if _highlight is None:
        return escape(code)
    try:
        if file is None:
            lexer = get_lexer_by_name(language)
        elif file.suffix == ".dockerfile":
            lexer = get_lexer_by_name("docker")
        else:
            lexer = get_lexer_for_filename(file.name.removesuffix(".j2"))
    except ClassNotFound:
        return escape(code)
    return Markup(_highlight(code, lexer, HtmlFormatter(nowrap=True, hl_lines=marked or [])))
