# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

from __future__ import annotations

from functools import partial

import pytest
from ansible_collections.workshop.production_patterns.plugins.plugin_utils.report.svg import (
    Axis,
    Drawing,
    columns,
    fitting,
    frame,
    mark,
    tag,
    ticks_path,
)


def test_texts_and_values_are_escaped() -> None:
    assert tag("text", "<&>", tag("b"), class_='"x"', x=1.25) == (
        '<text class="&#34;x&#34;" x="1.2">&lt;&amp;&gt;<b></b></text>'
    )


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (partial(Axis, 0, 45, 0, 300), [0, 10, 20, 30, 40]),
        (partial(Axis, 0, 300, 0, 300, clock=True), [0, 60, 120, 180, 240, 300]),
        (partial(Axis, 0.006, 30.1, 0, 300, log=True), [0.001, 0.01, 0.1, 1, 10, 100]),
        (partial(Axis, 0.01, 100, 0, 60, log=True), [0.01, 100]),
        (partial(Axis, 0, 0, 0, 60, log=True), [0.0001, 0.001]),
        (partial(Axis, 5, 5, 0, 60), [5, 6]),
        (partial(Axis, 0, 1000, 0, 300), [0, 200, 400, 600, 800, 1000]),
        (partial(Axis, 3, 9, 300, 0), [4, 6, 8]),
        (partial(Axis, 0, 10, 0, 10), [0, 10]),
        (partial(Axis, 0, 100, 0, 300, clock=True), [0, 20, 40, 60, 80, 100]),
        (partial(Axis, 0, 110, 0, 300, clock=True), [0, 30, 60, 90]),
        (partial(Axis, 0, 7200, 0, 300, clock=True), [0, 3600, 7200]),
        (partial(Axis, 0, 86400 * 30, 0, 120, clock=True), [0, 1296000, 2592000]),
    ],
)
def test_an_axis_has_round_values(axis, ticks) -> None:
    assert axis().ticks() == pytest.approx(ticks)
    assert all(0 <= axis().at(value) <= 300 for value in (-1, 0, 1e9))


def test_any_number_of_values_becomes_as_many_columns_as_there_are_pixels() -> None:
    axis = Axis(0, 100_000, 0, 300)
    filled = columns(range(100_000), axis)
    assert len(filled) == 300
    assert sum(filled.values()) == 100_000
    assert ticks_path(filled, 2, 10) == "M0 2h300v10H0z"
    assert ticks_path([1, 2, 5], 2, 10) == "M1 2h2v10H1zM5 2h1v10H5z"


@pytest.mark.parametrize(
    ("axis", "value", "place"),
    [
        (partial(Axis, 0, 10, 100, 200), 0, 100),
        (partial(Axis, 0, 10, 100, 200), 2.5, 125),
        (partial(Axis, 0, 10, 100, 200), 10, 200),
        (partial(Axis, 0, 10, 100, 200), 11, 200),
        (partial(Axis, 0, 10, 100, 200), -1, 100),
        # From the bottom up.
        (partial(Axis, 5, 15, 200, 100), 7.5, 175),
        (partial(Axis, 0.01, 100, 0, 400, log=True), 1, 200),
        (partial(Axis, 0.02, 90, 0, 400, log=True), 10, 300),
        (partial(Axis, 0.02, 90, 0, 400, log=True), 0, 0),
        (partial(Axis, 5, 5, 0, 60), 5.5, 30),
        (partial(Axis, 9, 5, 0, 60), 9.5, 30),
    ],
)
def test_a_value_has_its_place_on_an_axis(axis, value, place) -> None:
    assert axis().at(value) == pytest.approx(place)


@pytest.mark.parametrize(
    ("text", "pixels", "shown"),
    [
        ("a word", 45, "a word"),
        ("a word", 44, "a wo…"),
        ("a word or two", 51, "a wor…"),
        ("a word or two", 60, "a word…"),
        # A blank is not worth its place.
        ("ab cd efgh", 30, "ab…"),
        ("words", 0, "wor…"),
    ],
)
def test_a_text_is_cut_where_it_would_be_wider(text, pixels, shown) -> None:
    assert fitting(text, pixels) == shown


def test_a_drawing_says_to_those_who_do_not_see_it_what_it_shows() -> None:
    drawing = Drawing("Memory", "It is <5> MiB", 320, 40.2)
    drawing.text(3, 14, "A & B", anchor="end", class_="bad")
    drawing.add("rect", x=2, y=0.26, stroke_width=2, rx=None)
    assert drawing.markup("m") == (
        '<svg role="img" aria-labelledby="m-t m-d" viewBox="0 0 320 41" width="320" height="41" class="picture">'
        '<title id="m-t">Memory</title><desc id="m-d">It is &lt;5&gt; MiB</desc>'
        '<text x="3" y="14" text-anchor="end" class="bad">A &amp; B</text>'
        '<rect x="2" y="0.3" stroke-width="2"></rect></svg>'
    )


def framed(axis: Axis, width: int = 300, height: float = 0) -> tuple[list[str], float]:
    """The words below a picture, each with its place and how it stands there, and the height of the picture."""
    drawing = Drawing("", "", width, height)
    frame(drawing, axis, 4, 50)
    lines, words = drawing.parts[::2], drawing.parts[1::2]
    assert all('V50.0" class="grid"' in line for line in lines)
    assert all(' y="65"' in word and 'class="axis"' in word for word in words)
    shown = [word.replace('<text x="', "").replace('" y="65" text-anchor="', " ") for word in words]
    return [word.replace('" class="axis">', " ").replace("</text>", "") for word in map(str, shown)], drawing.height


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        (partial(Axis, 0, 120, 6, 294), ["6 start 0 s", "126 middle 50 s", "246 middle 100 s"]),
        (
            partial(Axis, 0, 120, 6, 294, clock=True),
            ["6 start 0 s", "78 middle 30 s", "150 middle 1 min", "222 middle 90 s"],
        ),
        (partial(Axis, 0, 300, 6, 294, clock=True), ["6 start 0 s", "121.2 middle 2 min", "236.4 middle 4 min"]),
        (partial(Axis, 0.001, 10, 6, 294, log=True), ["6 start 0.001 s", "150 middle 0.1 s", "294 end 10 s"]),
        (partial(Axis, 0, 80, 6, 294), ["6 start 0 s", "78 middle 20 s", "150 middle 40 s", "222 middle 60 s"]),
        # Words for longer times are longer.
        (partial(Axis, 0, 200, 6, 294), ["6 start 0 s", "150 middle 100 s", "294 end 3 min 20 s"]),
    ],
)
def test_the_words_below_a_picture_stay_within_it(axis, words) -> None:
    assert framed(axis())[0][: len(words)] == words


def test_a_picture_is_as_high_as_what_is_below_it() -> None:
    axis = Axis(0, 10, 6, 294)
    assert framed(axis)[1] == 72
    assert framed(axis, height=100)[1] == 100


def test_a_line_goes_up_to_the_top_at_each_word() -> None:
    drawing = Drawing("", "", 300)
    frame(drawing, Axis(0, 10, 0, 100), 4, 50)
    assert str(drawing.parts[0]) == '<path d="M0.0 4.0V50.0" class="grid"></path>'


def test_marks_of_each_kind_have_a_shape_of_their_own() -> None:
    drawing = Drawing("", "", 300)
    for kind in range(4):
        mark(drawing, 10, 20, kind, "bad", 3)
    mark(drawing, 10, 20, 2, "good")
    cross, circle, triangle, fourth, default = map(str, drawing.parts)
    assert cross == '<path d="M7.0 17.0l6 6m0 -6l-6 6" class="mark bad"></path>'
    assert circle == '<path d="M7.0 20.0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z" class="mark bad"></path>'
    assert triangle == '<path d="M10.0 17.0l3 6h-6z" class="mark bad"></path>'
    assert fourth == cross
    assert default == '<path d="M10.0 16.0l4 8h-8z" class="mark good"></path>'


def test_values_are_counted_by_the_columns_that_they_fall_into() -> None:
    assert columns([9.9, 0.2, 0.3, 5, 20], Axis(0, 10, 0, 10)) == {0: 2, 5: 1, 9: 1, 10: 1}
    assert list(columns([9, 1], Axis(0, 10, 0, 10))) == [1, 9]
    assert ticks_path([], 2, 10) == ""
