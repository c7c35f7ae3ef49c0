# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import re

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import prose

FOLDED = "- Why **this**?\n\n  <details><summary>Answer & all</summary>\n\n  Because `x`.\n\n  </details>\n- Next?\n"


def html(text: str) -> str:
    return re.sub(r">\s+<", "><", str(prose.rendered(text, lambda address: address))).strip()


def test_an_answer_is_folded_and_its_markdown_read():
    assert html(FOLDED) == (
        "<ul><li><p>Why <strong>this</strong>?</p><details><summary>Answer &amp; all</summary>"
        "<p>Because <code>x</code>.</p></details></li><li><p>Next?</p></li></ul>"
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<details open onclick=x><summary>A</summary>\n\nx\n\n</details>", id="an attribute"),
        pytest.param("<details><summary><b>A</b></summary>\n\nx\n\n</details>", id="markup in the summary"),
        pytest.param("<details><summary>A</summary> <i>\n\nx\n\n</details>", id="more on its line"),
        pytest.param("<details><summary>A</summary>\n\nx\n", id="no end"),
        pytest.param("- q\n\n  <details><summary>A</summary>\n\n  x\n- r\n\n  </details>", id="an end in another item"),
        pytest.param("    <details><summary>A</summary>\n    </details>", id="code"),
        pytest.param("```\n<details><summary>A</summary>\n</details>\n```", id="a block of code"),
        pytest.param("x\n\n</details>", id="only an end"),
    ],
)
def test_anything_else_is_shown_as_it_is_written(text: str):
    shown = html(text)
    assert "<details" not in shown
    assert "</details" not in shown
    assert "&lt;/details&gt;" in shown or "&lt;details&gt;" in shown


def test_nothing_of_what_follows_is_lost():
    assert html("- q\n\n  <details><summary>A</summary>\n\n  x\n- r\n\n  </details>").count("<li>") == 2


@pytest.mark.parametrize("hostile", ["<script>x</script>", "<img src=x>", "<details onclick=x>"])
def test_no_other_markup_gets_through_from_within(hostile: str):
    shown = html(f"<details><summary>A</summary>\n\n{hostile}\n\n</details>")
    assert shown.startswith("<details><summary>A</summary><p>&lt;")
    assert hostile not in shown
