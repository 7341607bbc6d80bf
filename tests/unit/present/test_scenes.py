"""Pictures: what stands where, what is told by form and words, and that no text of a stranger acts in one."""

from xml.etree.ElementTree import fromstring

from ledger.present.genealogy_scene import DRAWN, Box, genealogy_scene
from ledger.present.scene import Form, Line, Rect, Scene, Text
from ledger.present.timeline_scene import WIDTH, Bar, Lane, joined, timeline_scene
from ledger.present.times import site_zone
from ledger.web.svg import svg

HOUR = 3_600_000_000
T0 = 1_764_050_400_000_000
"""2025-11-25 06:00 UTC."""


def bar(low: int, high: int, form: Form = Form.SOLID, *, to: str | None = "/x", doubt: bool = False) -> Bar:
    return Bar(low_us=low, high_us=high, form=form, words=f"{form} mark", to=to, doubt=doubt)


def scene(*lanes: Lane, hours: int = 4, zone: str = "Europe/Berlin") -> Scene:
    return timeline_scene("Timeline", "what it shows", lanes, T0, T0 + hours * HOUR, site_zone(zone))


def rects(of: Scene) -> list[Rect]:
    return [shape for shape in of.shapes if isinstance(shape, Rect)]


def test_a_mark_is_as_wide_as_it_is_uncertain_and_never_too_narrow_to_be_seen() -> None:
    sure, unsure = bar(T0 + HOUR, T0 + HOUR), bar(T0 + 2 * HOUR, T0 + 3 * HOUR)
    narrow, wide = rects(scene(Lane(name="dcs", marks=(sure, unsure), gaps=())))
    assert 0 < narrow.width < wide.width
    assert wide.x + wide.width <= WIDTH
    assert wide.width == round((wide.x - narrow.x), 2), "an hour is as wide as it is far from an hour to the next"


def test_what_belongs_for_another_reason_stands_in_a_row_of_its_own_and_gaps_behind_all() -> None:
    lane = Lane(name="dcs", marks=(bar(T0, T0), bar(T0, T0, Form.DASHED)), gaps=(bar(T0, T0 + HOUR, Form.HATCH),))
    gap, read, possible = rects(scene(lane))
    assert gap.form is Form.HATCH
    assert read.y + read.height <= possible.y
    assert gap.height >= possible.y + possible.height - gap.y


def test_doubt_is_a_line_of_its_own_beneath_the_mark() -> None:
    drawn = scene(Lane(name="dcs", marks=(bar(T0, T0, doubt=True), bar(T0 + HOUR, T0 + HOUR)), gaps=()))
    (under,) = [shape for shape in drawn.shapes if isinstance(shape, Line) and shape.form is Form.DOUBT]
    first, _ = rects(drawn)
    assert (under.x1, under.x2) == (first.x, first.x + first.width)
    assert under.y1 > first.y + first.height


def test_the_axis_names_whole_hours_of_the_site_and_its_day() -> None:
    texts = [shape.text for shape in scene(Lane(name="a", marks=(), gaps=())).shapes if isinstance(shape, Text)]
    assert [text for text in texts if text.endswith(":00")] == [
        "07:00:00", "08:00:00", "09:00:00", "10:00:00", "11:00:00", "CET +01:00",
    ]  # fmt: skip
    assert "2025-11-25" in texts
    for hours in (1, 24, 24 * 40, 24 * 366 * 200):
        ticks = [one for one in scene(Lane(name="a", marks=(), gaps=()), hours=hours).shapes if isinstance(one, Line)]
        assert 1 <= len(ticks) <= 8, hours


def test_marks_of_one_cell_are_put_together_and_no_others() -> None:
    marks = [(0, 0, "a"), (1, 1, "b"), (99, 99, "c"), (1, 99, "wide")]
    assert joined(marks, 0, 100) == [["a", "b"], ["c"], ["wide"]]
    assert joined([(5, 5, "a"), (5, 5, "b")], 5, 6) == [["a", "b"]]


def test_a_picture_names_itself_and_each_link_and_no_text_of_a_stranger_acts_in_it() -> None:
    hostile = '"><script>alert(1)</script>'
    shapes = (
        Rect(x=1, y=2, width=3, height=4, form=Form.SOLID, words=hostile, to=f"/entries/{hostile}"),
        Rect(x=1, y=2, width=3, height=4, form=Form.HATCH, words="gap"),
        Text(x=0, y=0, text=hostile),
    )
    drawn = str(svg(Scene(title=hostile, about="about", width=10, height=10, shapes=shapes), "p"))
    assert "<script" not in drawn
    root = fromstring(drawn)
    names = {one.get("id"): one.text for one in root.iter() if one.get("id")}
    assert names[root.get("aria-labelledby")] == hostile
    assert names[root.get("aria-describedby")] == "about"
    (link,) = root.iter("a")
    assert (link.get("aria-label"), link.get("href")) == (hostile, f"/entries/{hostile}")
    (hatched,) = [one for one in root.iter("rect") if one.get("fill")]
    assert hatched.get("fill") == "url(#p-hatch)"
    assert "p-hatch" in names


def box(column: int, name: str) -> Box:
    return Box(column=column, kind="sample", name=name, form=Form.OUTLINE, words=name, to=f"/{name}")


def test_what_hangs_together_stands_in_columns_with_a_line_between_those_that_are_named_together() -> None:
    drawn = genealogy_scene("t", "a", [box(0, "B"), box(1, "S"), box(2, "D")], [(0, 1), (2, 1)])
    first, second, third = rects(drawn)
    assert first.x + first.width < second.x < second.x + second.width < third.x
    assert third.x + third.width <= WIDTH
    lines = [shape for shape in drawn.shapes if isinstance(shape, Line)]
    assert [(line.x1, line.x2) for line in lines] == [
        (first.x + first.width, second.x), (second.x + second.width, third.x),
    ]  # fmt: skip


def test_a_line_between_two_of_a_column_goes_around_their_edge() -> None:
    drawn = genealogy_scene("t", "a", [box(0, "B"), box(1, "S"), box(1, "T")], [(1, 2)])
    _, second, third = rects(drawn)
    lines = [shape for shape in drawn.shapes if isinstance(shape, Line)]
    assert (lines[0].y1, lines[-1].y2) == (second.y + second.height / 2, third.y + third.height / 2)
    assert all(min(line.x1, line.x2) >= second.x + second.width for line in lines)


def test_of_a_full_column_the_first_are_drawn_and_the_others_counted() -> None:
    many = [box(1, f"S-{number}") for number in range(DRAWN + 3)]
    drawn = genealogy_scene("t", "a", [box(0, "B"), *many], [(0, number + 1) for number in range(DRAWN + 3)])
    assert len(rects(drawn)) == DRAWN + 1
    assert len([shape for shape in drawn.shapes if isinstance(shape, Line)]) == DRAWN
    assert [shape.text for shape in drawn.shapes if isinstance(shape, Text)][-1] == "and 3 more"
    assert all(one.y + one.height <= drawn.height for one in rects(drawn))
    assert rects(genealogy_scene("t", "a", [box(0, "B")], []))[0].width < WIDTH / 2
