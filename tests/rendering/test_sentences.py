"""Where sentences end, in many languages' punctuation."""

import pytest

from heygen_graphql.rendering.sentences import ends_clause, ends_sentence


@pytest.mark.parametrize(
    ("word", "following", "language"),
    [
        ("Yes.", "We", "en"),
        ("Really?", "“No.”", "en"),
        ("go!”", "She", "en"),
        ("no.", "We", "en"),
        ("I.", "Then", "en"),
        ("12.", "Then", "en"),
        ("last.", "", "en"),
        ("wait...", "Now", "en"),
        ("。", "", "ja"),
        ("です。」", "次", "ja"),
        ("है।", "यह", "hi"),
        ("ہے۔", "یہ", "ur"),
        ("؟حالكم؟", "نعم", "ar"),
        ("ընկեր։", "Այո", "hy"),
        ("ነው።", "እሱ", "am"),
        ("သည်။", "သူ", "my"),
        ("κάνεις;", "Καλά", "el"),
    ],
)
def test_a_sentence_ends(word: str, following: str, language: str) -> None:
    assert ends_sentence(word, following, language=language)
    assert ends_clause(word, following, language=language)


@pytest.mark.parametrize(
    ("word", "following", "language"),
    [
        ("Dr.", "Jones", "en"),
        ("J.", "Austen", "en"),
        ("J.R.R.", "Tolkien", "en"),
        ("А.С.", "Пушкин", "ru"),
        ("U.S.", "Army", "en"),
        ("a.m.", "we", "en"),
        ("e.g.", "Leeds", "en"),
        ("No.", "5", "en"),
        ("3.", "Mai", "de"),
        ("z.B.", "Leipzig", "de"),
        ("Sra.", "García", "es"),
        ("ул.", "Ленина", "ru"),
        ("really?”", "she", "en"),
        ("word", "Next", "en"),
        ("done;", "Next", "en"),
    ],
)
def test_a_sentence_goes_on(word: str, following: str, language: str) -> None:
    assert not ends_sentence(word, following, language=language)


@pytest.mark.parametrize("word", ["well,", "so:", "wait;", "because—", "以及，", "ثم،", "ነገር፣", "“so,”"])
def test_a_clause_ends_where_a_reader_pauses(word: str) -> None:
    assert ends_clause(word, "and")
