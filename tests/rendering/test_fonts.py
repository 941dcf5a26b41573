"""Which font draws what, of those that come along and of the user's own."""

import logging
import shutil
import struct
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from heygen_graphql.rendering.fonts import Typeface


def packaged(name: str) -> Path:
    """A packaged font file, by the start of its name."""
    found = {
        run.font.path
        for text in ("a", "ש", "字")
        for run in Typeface("en").runs(text)
        if run.font is not None
    }
    return next(path for path in found if path.name.startswith(name))


def drawn(typeface: Typeface, text: str) -> bytes:
    (run,) = typeface.runs(text)
    assert run.font is not None
    picture = Image.new("L", (120, 120))
    ImageDraw.Draw(picture).text((10, 90), text, fill=255, font=run.font.at(80), anchor="ls")
    return picture.tobytes()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Plain “quotes” — €5, naïve façade"),
        ("vi", "Tiếng Việt: đường phố"),
        ("ru", "Привет, мир! ї ў ә ҡ"),
        ("el", "Γειά σου Κόσμε ᾧ"),
        ("hy", "Ողջույն, աշխարհ։"),
        ("ka", "გამარჯობა მსოფლიო"),
        ("ja", "こんにちは、私はプレゼンターです。"),
        ("ko", "안녕하세요, 여러분."),
        ("zh", "你好，世界。"),
        ("yue", "佢哋嘅嘢，冇問題。"),
        ("ar", "مرحبا بالعالم، كيف حالكم؟"),
        ("fa", "سلام دنیا، چطورید؟ پچژگ"),
        ("ur", "ہیلو دنیا، ٹڈڑےں۔"),
        ("he", "שלום עולם, Google ו־123"),
        ("hi", "नमस्ते दुनिया।"),
        ("bn", "ওহে বিশ্ব।"),
        ("pa", "ਸਤ ਸ੍ਰੀ ਅਕਾਲ।"),
        ("gu", "નમસ્તે દુનિયા"),
        ("or", "ନମସ୍କାର ଦୁନିଆ"),
        ("ta", "வணக்கம் உலகம்"),
        ("te", "నమస్కారం ప్రపంచం"),
        ("kn", "ನಮಸ್ಕಾರ ಪ್ರಪಂಚ"),
        ("ml", "നമസ്കാരം ലോകം"),
        ("si", "ආයුබෝවන් ලෝකය"),
        ("th", "สวัสดีชาวโลก"),
        ("lo", "ສະບາຍດີຊາວໂລກ"),
        ("km", "សួស្តីពិភពលោក។"),
        ("my", "မင်္ဂလာပါကမ္ဘာလောက။"),
        ("shn", "မႂ်ႇသုင်ၶႃႈ"),
        ("am", "ሰላም ልዑል።"),
        ("en", "Smile 😀 please"),
    ],
    ids=lambda value: value if value.isascii() else "",
)
def test_letters_of_every_script_have_a_font(language: str, text: str) -> None:
    typeface = Typeface(language)

    assert typeface.missing(text) == 0
    assert "".join(run.text for run in typeface.runs(text)) == text


def test_a_font_of_pictures_draws_neither_the_space_nor_the_number_after_one() -> None:
    runs = Typeface("en").runs("I love ❤️ 100% of 👍🏽 it")

    assert [run.text for run in runs] == ["I love ", "❤️", " 100% of ", "👍🏽", " it"]
    assert runs[0].font is runs[2].font is runs[4].font


def test_a_family_joined_into_one_picture_stays_together() -> None:
    assert [run.text for run in Typeface("en").runs("a 👨‍👩‍👧 b")] == ["a ", "👨‍👩‍👧", " b"]


def test_quotation_marks_about_chinese_are_a_pair() -> None:
    runs = Typeface("zh").runs("Hello “你好” there")

    assert [run.text for run in runs] == ["Hello ", "“你好” ", "there"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("zh", "ja"), ("zh", "zh-Hant"), ("zh-TW", "ja"), ("zh-HK", "zh-TW"), ("yue", "zh-Hant")],
)
def test_han_characters_are_drawn_as_the_language_has_them(first: str, second: str) -> None:
    differing = [c for c in "骨直返化令角誤戶" if drawn(Typeface(first), c) != drawn(Typeface(second), c)]

    assert differing


def test_cantonese_is_drawn_as_in_hong_kong() -> None:
    characters = "骨直返化令角誤戶"

    assert [drawn(Typeface("yue"), c) for c in characters] == [
        drawn(Typeface("zh-HK"), c) for c in characters
    ]


def test_a_mark_that_the_letters_font_lacks_is_counted_and_not_drawn_as_a_box() -> None:
    typeface = Typeface("en")

    assert typeface.missing("a\u0e31b") == 1
    assert [(run.text, run.font is None) for run in typeface.runs("a\u0e31b")] == [
        ("a", False),
        ("\u0e31", True),
        ("b", False),
    ]


def test_a_glyph_that_cannot_be_drawn_counts_as_missing() -> None:
    # Noto Sans Arabic has it, as an outline that FreeType gives up on.
    assert Typeface("ar").missing("﷽") == 1


def test_a_users_font_is_preferred_for_what_it_covers(tmp_path: Path) -> None:
    own = tmp_path / "brand" / "Hebrew.ttf"
    own.parent.mkdir()
    shutil.copy(packaged("NotoSansHebrew"), own)

    runs = Typeface("he", tmp_path).runs("שלום 字")

    assert [run.font.path if run.font else None for run in runs] == [own, packaged("NotoSansCJK")]


def test_an_italic_font_of_the_user_is_not_taken_for_upright(tmp_path: Path) -> None:
    upright = packaged("NotoSans[")
    (italic,) = upright.parent.glob("NotoSans-Italic*")
    shutil.copy(italic, tmp_path / "brand.ttf")

    (run,) = Typeface("en", tmp_path).runs("a")

    assert run.font is not None
    assert run.font.path == upright


def test_files_that_are_no_fonts_are_left_out_and_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = packaged("NotoSansHebrew").read_bytes()
    (tmp_path / "empty.ttf").touch()
    (tmp_path / "text.otf").write_text("no font at all, though its name says so")
    (tmp_path / "short.ttf").write_bytes(whole[: len(whole) // 8])
    (tmp_path / "collection.ttc").write_bytes(b"ttcf" + struct.pack(">III", 0x10000, 2**31, 2**31))
    (tmp_path / "readme.md").write_text("fonts")

    with caplog.at_level(logging.WARNING):
        typeface = Typeface("he", tmp_path)

    assert typeface.missing("שלום") == 0
    named = [Path(str(record.args[0])).name for record in caplog.records if isinstance(record.args, tuple)]
    assert sorted(named) == ["collection.ttc", "empty.ttf", "short.ttf", "text.otf"]
