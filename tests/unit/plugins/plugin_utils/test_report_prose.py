# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report import prose

FOLDED = "- Why **this**?\n\n  <details><summary>Answer & all</summary>\n\n  Because `x`.\n\n  </details>\n- Next?\n"


TWO = (
    "<details><summary>A</summary>\nx\n</details>\n<details><summary>B</summary>\n</details>\n\n"
    "- <details><summary>C</summary>\n\n  z\n\n  </details>\n"
)


def html(text: str) -> str:
    return re.sub(r">\s+<", "><", str(prose.rendered(text, lambda address: address))).strip()


def test_an_answer_is_folded_and_its_markdown_read():
    assert html(FOLDED) == (
        "<ul><li><p>Why <strong>this</strong>?</p><details><summary>Answer &amp; all</summary>"
        "<p>Because <code>x</code>.</p></details></li><li><p>Next?</p></li></ul>"
    )


def test_each_answer_ends_where_it_ends_and_may_be_empty_or_all_of_an_item():
    assert html(TWO) == (
        "<details><summary>A</summary><p>x</p></details><details><summary>B</summary></details>"
        "<ul><li><details><summary>C</summary><p>z</p></details></li></ul>"
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<details open onclick=x><summary>A</summary>\n\nx\n\n</details>", id="an attribute"),
        pytest.param("<details><summary><b>A</b></summary>\n\nx\n\n</details>", id="markup in the summary"),
        pytest.param("<details><summary>A</summary> <i>\n\nx\n\n</details>", id="more on its line"),
        pytest.param("<details><summary>A</summary>\n\nx\n", id="no end"),
        pytest.param("- q\n\n  <details><summary>A</summary>\n\n  x\n- r\n\n  </details>", id="an end in another item"),
        pytest.param("- q\n\n  <details><summary>A</summary>\n\n  x\n\n</details>", id="an end below the item"),
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


@pytest.mark.parametrize(
    ("page", "title", "text"),
    [
        ("<!--\nlicence\n-->\n\n# A title \n\nText <!-- more -->\n", "A title", "Text <!-- more -->\n"),
        ("# A title\n# Another\n", "A title", "# Another\n"),
        ("Text\n# No title\n", None, "Text\n# No title\n"),
        ("", None, ""),
    ],
)
def test_the_title_of_a_page_and_its_text(page, title, text):
    assert prose.title_and_text(page) == (title, text)


def test_headings_are_one_level_lower_and_none_lower_than_the_last():
    assert html("# One\n\n###### Six") == "<h2>One</h2><h6>Six</h6>"


def test_links_lead_where_they_are_told_to_and_the_others_nowhere():
    def link(address: str) -> str | None:
        return {"../sidecar/README.md": "sidecar.html"}.get(address)

    shown = prose.rendered("[a](../sidecar/README.md) [b](/etc) [c]() ![what it shows](https://x/y.png)", link)
    assert str(shown).strip() == (
        '<p><a href="sidecar.html" rel="noreferrer">a</a> <a>b</a> <a>c</a> what it shows</p>'
    )


def test_a_table_is_scrolled_where_it_is_too_wide():
    assert html("| A |\n|---|\n| 1 |").startswith(
        '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>'
    )
    assert html("| A |\n|---|\n| 1 |").endswith("</table></div>")


CODE = '<pre class="code" tabindex="0"><code>'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("```yaml\na: 1 # <b>\n```", '<span class="nt">a</span><span class="p">:</span>'),
        ("```yaml title\na: 1\n```", '<span class="nt">a</span><span class="p">:</span>'),
        ("```\na: <b>\n```", "a: &lt;b&gt;\n</code></pre>"),
        ("```nobody-knows\na: <b>\n```", "a: &lt;b&gt;\n</code></pre>"),
        ("    a: <b>\n", "a: &lt;b&gt;\n</code></pre>"),
    ],
)
def test_code_has_the_colours_of_its_language(text, shown):
    found = str(prose.rendered(text, lambda address: address))
    assert found.startswith(CODE + shown)
    assert "<b>" not in found


def test_without_the_libraries_texts_are_shown_as_they_are_and_it_is_said(monkeypatch):
    assert prose.missing() == []
    with monkeypatch.context() as lacking:
        lacking.setattr(prose, "_Markdown", None)
        assert prose.missing() == [
            "The lessons' texts are shown as they are written, since markdown-it-py is not installed."
        ]
        assert str(prose.rendered("# <b>", str)) == '<pre class="text" tabindex="0"># &lt;b&gt;</pre>'
    monkeypatch.setattr(prose, "_highlight", None)
    assert prose.missing() == ["Code has no colours, since pygments is not installed."]
    assert str(prose.block("a: <b>", "yaml")) == CODE + "a: &lt;b&gt;</code></pre>"


@pytest.fixture
def role(tmp_path) -> Path:
    """A role with templates and files."""
    for name, content in {
        "templates/pod.yml.j2": b"kind: Pod\nspec: {}\n",
        "templates/deep/own.ini.j2": b"[a]\n",
        "files/web/Dockerfile": b"FROM scratch\n",
        "files/app.dockerfile": b"FROM scratch\n",
        "files/odd.unknown": b"<b>",
        "files/image.png": b"\x89PNG\xff",
        "files/just.txt": b"x" * 40_000,
        "files/large.txt": b"x" * 40_001,
        "tasks/main.yml": b"[]",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_the_templates_and_files_of_a_role_that_are_text_and_not_too_large(role):
    assert [(file.name, file.anchor) for file in prose.files(role)] == [
        ("files/app.dockerfile", "file-files-app-dockerfile"),
        ("files/just.txt", "file-files-just-txt"),
        ("files/odd.unknown", "file-files-odd-unknown"),
        ("files/web/Dockerfile", "file-files-web-dockerfile"),
        ("templates/deep/own.ini.j2", "file-templates-deep-own-ini-j2"),
        ("templates/pod.yml.j2", "file-templates-pod-yml-j2"),
    ]


def test_files_have_the_colours_that_their_names_say(role):
    shown = {file.name: str(file.html) for file in prose.files(role)}
    assert all(text.startswith(CODE) for text in shown.values())
    assert shown["files/odd.unknown"] == CODE + "&lt;b&gt;</code></pre>"
    keyword = '<span class="k">FROM</span>'
    assert keyword in shown["files/web/Dockerfile"]
    assert keyword in shown["files/app.dockerfile"]
    assert '<span class="nt">kind</span>' in shown["templates/pod.yml.j2"]
    assert '<span class="k">[a]</span>' in shown["templates/deep/own.ini.j2"]


def test_the_lines_that_a_near_miss_changes_are_marked_in_the_files_of_a_role(role):
    marked = {file.name: str(file.html) for file in prose.files(role, NEVER) if file.is_marked}
    assert marked.keys() == {"templates/pod.yml.j2"}
    assert '<span class="hll"><span class="nt">spec</span>' in marked["templates/pod.yml.j2"]
    assert not any(file.is_marked for file in prose.files(role))


def test_the_files_of_a_role_are_read_as_utf_8(role):
    (role / "files/odd.unknown").write_bytes("café".encode())
    assert "café" in next(str(file.html) for file in prose.files(role) if file.name == "files/odd.unknown")


NEVER = [{"changes": [{"file": "templates/pod.yml.j2", "replace": "spec: {}", "with": "x"}]}]


@pytest.mark.parametrize("name", ["pod.yml", "pod-2.yml"])
def test_what_was_applied_is_marked_by_the_template_it_was_made_of(role, name):
    other, file = prose.manifests({"other.yml": "spec: {}\n", name: "kind: Pod\nspec: {}\n"}, role, NEVER)
    assert (file.name, file.is_marked, other.is_marked) == (name, True, False)
    assert file.html.count('class="hll"') == 1
    assert '<span class="hll"><span class="nt">spec</span>' in file.html


def test_a_manifest_whose_template_is_not_there_any_more_is_shown_all_the_same(tmp_path):
    (file,) = prose.manifests({"pod.yml": "spec: {}\n"}, tmp_path, NEVER)
    assert (file.anchor, file.is_marked) == ("file-pod-yml", False)
    assert '<span class="nt">spec</span>' in file.html
