"""Every character of a source shows in the report: by its glyph, or by its code point."""

from reports.fonts import MONO, SANS, marked_up, plain_for, register


def test_what_no_font_has_is_written_as_its_code_point() -> None:
    register()
    assert marked_up("a粘b") == "a‹U+7C98›b"
    assert marked_up("\U0001f9ea") == "‹U+1F9EA›"
    assert plain_for("a→", SANS) == "a‹U+2192›"


def test_signs_come_from_the_other_font_and_markup_of_a_source_is_text() -> None:
    register()
    assert marked_up("→") == f'<font name="{MONO}">→</font>'
    assert marked_up("<b>&</b>\n") == "&lt;b&gt;&amp;&lt;/b&gt;<br/>"
    assert marked_up("\u202f", MONO) == f'<font name="{SANS}">\u202f</font>'
