# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""The pages of lessons are whole, and the comparing of what their commands print sees what is wrong."""

from __future__ import annotations

import contextlib
import re
import typing as t
from pathlib import Path

import pages
import pytest
from runs import ROOT, TAUGHT

every_page = pytest.mark.parametrize("lesson", TAUGHT)
POD = "kept-69f785b554-vzldx   1/1   Running   0   93s"


def page(lesson: str) -> str:
    return (ROOT / "roles" / lesson / "README.md").read_text()


@every_page
def test_a_page_has_commands_and_says_what_they_print(lesson: str):
    assert len([step for step in pages.steps(page(lesson)) if step.words]) >= 3


@every_page
def test_no_command_is_outside_a_block_that_is_tried(lesson: str):
    shown = [line for line in page(lesson).splitlines() if line.lstrip().startswith("$ ")]
    assert len(shown) == len(pages.steps(page(lesson)))


@every_page
def test_each_question_has_a_folded_answer(lesson: str):
    asked = pages.questions(page(lesson))
    assert len(asked) >= 3
    assert not [question for question, answer in asked if not answer]
    assert not [answer for _question, answer in asked if "details>" in answer]
    assert page(lesson).count("<details>") == page(lesson).count("</details>") == len(asked)


def test_commands_have_lines_that_follow_and_output_below():
    text = (
        "```console\n$ a | \\\n    b\none\n$ c '{\n  }'\n\n$ for x in y; do\n  z\ndone\n```\n"
        "and\n```console\n$ d\n```\n```sh\n$ e\n```\n"
    )
    assert pages.steps(text) == [
        pages.Step("a | \\\n    b", ["one"]),
        pages.Step("c '{\n  }'", [""]),
        pages.Step("for x in y; do\n  z\ndone", []),
        pages.Step("d", []),
    ]


@pytest.mark.parametrize("block", ["one\n$ a", "$ a \\", "$ a 'b"])
def test_a_block_that_is_not_commands_is_told(block: str):
    with pytest.raises(ValueError, match="command"):
        pages.steps(f"```console\n{block}\n```\n")


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("hello, world!", "hello, world!\n"),
        ("", ""),
        ("...", ""),
        ("...", "a\nb"),
        ("a\n...\nb\n...", "a\nx\nb"),
        ("a ... c", "a whatever b c"),
        (POD, "kept-7fdb5c8d9f-2x4bz   1/1     Running   0          4m2s"),
        ("1 (2m3s ago)  13m", "1 (9s ago)   5d3h"),
        ("at 2026-11-24T14:15:05Z", "at 2027-01-02T03:04:05.678Z"),
        ("0.log.20261129-061537.gz", "0.log.20270101-000000.gz"),
        (
            "drwxr-sr-x 2 root 4096 Nov 24 14:30 ..2026_11_24_14_30_15.2631236863",
            "drwxr-sr-x 2 root 4096 Jan  1 00:30 ..2027_01_24_14_30_15.11",
        ),
        ("dial 10.244.0.157:5000", "dial 10.244.12.1:5000"),
        ("runs app@sha256:e9a3ecfa...", "runs app@sha256:0076e2b512345678"),
        ("b6ce73af-da76-455e-876c-41b19a3fcf9e", "00000000-da76-455e-876c-41b19a3fcf9e"),
        ("81.1MB  7.5MiB", "108MB  12MiB"),
        ('"seconds": 0.027998, "periods": 51', '"seconds": 1.5, "periods": 107'),
        ("Up Less than a second", "Up 3 seconds"),
        ("real 0m5.548s", "real\t0m7.2s"),
    ],
)
def test_what_differs_from_run_to_run_may_differ(given: str, printed: str):
    assert pages.difference(given.splitlines(), printed.splitlines()) is None


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        pytest.param("", "error", id="an output where none is given"),
        pytest.param("a", "", id="no output"),
        pytest.param("a", "a\nb", id="a line more"),
        pytest.param("a\nb", "b\na", id="another order"),
        pytest.param("a\n...\nb", "a\nx", id="a line that does not come"),
        pytest.param("a ... c", "a whatever b", id="an end that does not come"),
        pytest.param(POD, POD.replace("Running", "Error"), id="another word"),
        pytest.param(POD, POD.replace("1/1", "0/1"), id="not ready"),
        pytest.param(POD, POD.replace("   0   ", "   3   "), id="restarted"),
        pytest.param(POD, POD.replace("kept", "lost"), id="another name"),
        pytest.param(POD, POD.replace("93s", "<unknown>"), id="no age"),
        pytest.param("137", "143", id="a number that is all there is"),
        pytest.param('"exitCode":137', '"exitCode":143', id="an exit code"),
        pytest.param('"status": 503', '"status": 200', id="a status"),
        pytest.param("version 1", "version 2", id="a small number"),
        pytest.param("mebibyte 13", "mebibyte 1", id="a number that is small"),
        pytest.param("listens on 127.0.0.1", "listens on 10.244.0.1", id="not the loopback"),
        pytest.param("676kB", "676MB", id="another unit"),
        pytest.param("real 0m30.085s", "real 0m1.085s", id="a wait that is none"),
        pytest.param("real 0m0.4s", "real 0m5.5s", id="an end that takes its time"),
        pytest.param("SigCgt: 0000000000000000", "SigCgt: 0000000000004000", id="another mask"),
        pytest.param("a@0076e2b5aaaa b@0076e2b5aaaa", "a@0076e2b5aaaa b@e9a3ecfaaaaa", id="two hashes that are one"),
        pytest.param("a@0076e2b5aaaa\nb@e9a3ecfaaaaa", "a@0076e2b5aaaa\nb@0076e2b5aaaa", id="one hash that is two"),
        pytest.param("a-bcd24\na-bcd25", "a-xz245\na-xz245", id="one pod that is two"),
    ],
)
def test_what_makes_the_page_wrong_is_seen(given: str, printed: str):
    assert pages.difference(given.splitlines(), printed.splitlines())


def test_a_command_fails_only_where_the_page_says_so():
    said = pages.Step("x", ["sh: can't create", "command terminated with exit code 1"])
    assert pages.may_fail_with(1, said)
    assert not pages.may_fail_with(2, said)
    assert not pages.may_fail_with(1, pages.Step("x", ["..."]))
    assert not pages.may_fail_with(1, pages.Step("x", ["sh: can't create"]))
    assert pages.may_fail_with(127, pages.Step("x", ["docker: Error response from daemon: ..."]))


def test_an_answer_that_is_missing_is_seen():
    answered = "- One?\n\n  <details><summary>Answer</summary>\n\n  Two\n  lines.\n\n  </details>\n"
    text = f"# T\n\n## Questions\n\n{answered}\n- Another\n  one?\n"
    assert pages.questions(text) == [("One?", "Two lines."), ("Another one?", "")]
    assert pages.questions("# T\n") == []
    # An empty line is what makes GitHub read what is inside.
    assert pages.questions("## Questions\n" + answered.replace("\n\n  Two", "\n  Two"))[-1:] == []


@pytest.fixture
def shell(tmp_path: Path) -> t.Iterator[pages.Shell]:
    with contextlib.closing(pages.Shell(tmp_path, tmp_path, seconds=3)) as shell:
        yield shell


def mistakes(shell: pages.Shell, block: str) -> list[str]:
    steps = pages.steps(f"```console\n{block}\n```\n")
    return [mistake for step in steps if (mistake := pages.mistake(step, shell))]


def test_a_page_runs_in_one_shell(shell: pages.Shell):
    block = "$ alias say='echo said'\n$ A=b; mkdir c; cd c\n$ say $A; cat\nsaid b\n$ basename $PWD; echo d >&2\nc\nd"
    assert mistakes(shell, block) == []


@pytest.mark.parametrize(
    "block",
    [
        pytest.param("$ false", id="a command that fails"),
        pytest.param("$ false\n...", id="a command that fails, whatever it prints"),
        pytest.param("$ false | cat", id="a command that fails in a pipe"),
        pytest.param("$ nothing-of-this-name\n...", id="no such command"),
        pytest.param("$ echo a\n$ echo b\nb", id="an output where none is given"),
        pytest.param("$ echo a --watch\na --watch", id="a watch that ends"),
        pytest.param("$ export KUBECONFIG=/nowhere", id="no such kubeconfig"),
        pytest.param("$ ansible-playbook playbooks/none.yml -e workshop_lessons=logging", id="no such playbook"),
        pytest.param("$ ansible-playbook playbooks/all.yml -e workshop_lessons=logging,none", id="no such lesson"),
        pytest.param("$ ansible-playbook playbooks/all.yml", id="a playbook for all"),
    ],
)
def test_a_command_that_is_not_as_told_is_seen(shell: pages.Shell, block: str):
    assert len(mistakes(shell, block)) == 1


def test_what_ends_as_told_is_right(shell: pages.Shell):
    assert mistakes(shell, "$ ansible-playbook playbooks/all.yml -e workshop_lessons=logging") == []
    assert mistakes(shell, "$ yes | head -1\ny") == []
    told = "command terminated with exit code 3"
    assert mistakes(shell, f"$ (echo {told}; exit 3)\n{told}") == []


def test_a_command_that_does_not_end_is_ended(shell: pages.Shell):
    with pytest.raises(TimeoutError, match="said"):
        shell.run("echo said; sleep 100")


@every_page
def test_every_page_goes_the_same_way(lesson: str):
    """What else a lesson has to say stands between what to do instead and what to do by hand."""
    headings = re.findall(r"^## (.*)$", page(lesson), re.MULTILINE)
    assert headings[:2] == ["What goes wrong", "What to do instead"]
    assert headings[-3:] == ["See it by hand", "In production", "Questions"]


@every_page
def test_a_page_says_where_its_subjects_are_explained(lesson: str):
    """By Kubernetes' or Docker's own documentation, among others."""
    production = page(lesson).split("\n## In production\n")[1].split("\n## Questions\n")[0]
    read_on = production.split("\nRead on:\n")[1]
    assert re.search(r"\(https://(kubernetes\.io/docs|docs\.docker\.com)/", read_on)
