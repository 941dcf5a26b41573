"""English is read as people read it aloud: what is written in signs sounds like what is written in words."""

import re
from collections.abc import Iterator

import pytest

from heygen_graphql.rendering.speech import Speaker


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    with Speaker() as speaker:
        yield speaker


def sounds(speaker: Speaker, text: str) -> str:
    # The last sound of "an" or "the" before a vowel, and flaps, hang on a neighbour's spelling.
    return re.sub("[ːɾᵻ]", "", "".join(p.symbol for p in speaker.speak(text, "heart", speed=2).phonemes))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        # Amounts
        ("It made $1.5 million.", "It made one point five million dollars."),
        ("It costs €20 now.", "It costs twenty euros now."),
        ("It costs 20 € now.", "It costs twenty euros now."),
        ("It costs £3.50 now.", "It costs three pounds and fifty pence now."),
        ("They pay $0.99 each.", "They pay ninety nine cents each."),
        ("A $5B deal came.", "A five billion dollars deal came."),
        ("It costs A$5 now.", "It costs five Australian dollars now."),
        ("We have 100k users.", "We have one hundred thousand users."),
        (
            "It costs 1.50€ or €1,50 now.",
            "It costs one euro and fifty cents or one euro and fifty cents now.",
        ),
        ("Pay $5-10 or $5–$10 million.", "Pay five to ten dollars or five to ten million dollars."),
        # Shares and ranges
        ("It grew 3.5% more.", "It grew three point five percent more."),
        ("It grew 10–20% more.", "It grew ten to twenty percent more."),
        ("Read pages 10-20 now.", "Read pages ten to twenty now."),
        ("From 2019–2021 it grew.", "From twenty nineteen to twenty twenty one it grew."),
        ("Add 1/2 cup.", "Add one half cup."),
        ("Add 2½ cups.", "Add two and a half cups."),
        ("Add 1 1/2 cups.", "Add one and a half cups."),
        ("Add half a cup, or 1/2.", "Add half a cup, or one half."),
        ("Read the pages 5-7.", "Read the pages five to seven."),
        ("It is .5 percent.", "It is zero point five percent."),
        ("Use 2.0 or 3.10, please.", "Use two point zero or three point one zero, please."),
        ("We got 8/10 here, and 5/5 there.", "We got eight out of ten here, and five out of five there."),
        ("A ratio of 3:1 came.", "A ratio of three to one came."),
        ("It is 3x faster.", "It is three times faster."),
        ("It is a 50/50 chance.", "It is a fifty fifty chance."),
        # Days and hours
        ("We met on 2026-11-23 there.", "We met on November twenty third, twenty twenty six there."),
        ("We met on 23/11/2026 there.", "We met on November twenty third, twenty twenty six there."),
        ("We met on Nov. 23rd there.", "We met on November twenty third there."),
        ("We met at 3:30 pm there.", "We met at three thirty P.M. there."),
        ("We met at 9 am there.", "We met at nine A.M. there."),
        ("It is open 9am-5pm daily.", "It is open nine A.M. to five P.M. daily."),
        ("It is open 10:30-11:45 daily.", "It is open ten thirty to eleven forty five daily."),
        ("We met at 3.30 pm there.", "We met at three thirty P.M. there."),
        ("We met May 5-7 there.", "We met May fifth to seventh there."),
        (
            "We met on 2026-11-23T10:00 there.",
            "We met on November twenty third, twenty twenty six at ten o'clock there.",
        ),
        ("It is open 24/7 here.", "It is open twenty four seven here."),
        ("The 1990s were fun.", "The nineteen nineties were fun."),
        # Names and short forms
        ("Dr. Smith lives on Main St. there.", "Doctor Smith lives on Main Street there."),
        ("We saw St. Peter there.", "We saw Saint Peter there."),
        ("Bring fruit, e.g. apples.", "Bring fruit, for example apples."),
        ("The FBI came.", "The F B I came."),
        ("J. R. Smith came.", "J R Smith came."),
        ("The answer is no. It stays no.", "The answer is know. It stays know."),
        ("Then George C. Scott came.", "Then George see Scott came."),
        ("Read no. 5, p. 7 and ch. 9 there.", "Read number five, page seven and chapter nine there."),
        ("A 5 min. walk came.", "A five minutes walk came."),
        ("AT&T and JSON and CO2 came.", "A.T. and T and Jason and C O two came."),
        ("A 4K screen for B2B came.", "A four K screen for B to B came."),
        ("Open main.py now.", "Open main dot pie now."),
        ("King Henry VIII came.", "King Henry the eighth came."),
        ("World War II ended.", "World War two ended."),
        ("Number #1 and C# and C++ came.", "Number number one and C sharp and C plus plus came."),
        ("James Bond, 007, came.", "James Bond, double oh seven, came."),
        # Measures
        ("It is 5 km away.", "It is five kilometers away."),
        ("It is 20°C today.", "It is twenty degrees Celsius today."),
        ("It has 50 m² here.", "It has fifty square meters here."),
        ("It is H₂O⁰ here.", "It is H two O zero here."),
        ("He is 5'10\" tall.", "He is five foot ten tall."),
        # Addresses and numbers to call
        ("Mail me@example.com now.", "Mail me at example dot com now."),
        ("Visit https://example.com/docs now.", "Visit example dot com slash docs now."),
        (
            "Call +1 (555) 123-4567 now.",
            "Call plus one five five five one two three four five six seven now.",
        ),
    ],
)
def test_signs_are_read_as_words(speaker: Speaker, written: str, said: str) -> None:
    assert sounds(speaker, written) == sounds(speaker, said)


def test_an_acronym_that_is_a_word_is_said_as_one(speaker: Speaker) -> None:
    assert sounds(speaker, "Then NASA came.") == sounds(speaker, "Then Nasa came.")
    assert sounds(speaker, "Then NASA came.") != sounds(speaker, "Then N A S A came.")


def test_what_follows_a_part_is_a_number_only_as_a_name(speaker: Speaker) -> None:
    assert "w" in sounds(speaker, "See Part I here.")
    assert "w" not in sounds(speaker, "The part I see, the book I read.")
    assert "hʌnd" not in sounds(speaker, "A class C drive, and Grade C.")


@pytest.mark.parametrize("voice_id", ["heart", "joe"])
def test_captions_show_what_is_written(speaker: Speaker, voice_id: str) -> None:
    text = "He paid $20 for 1 1/2 cups on 23/11/2026 — call +1 (555) 123-4567, i.e. now."

    spoken = speaker.speak(text, voice_id)

    assert [word.text for word in spoken.words] == text.split()
    lengths = {word.text: word.end_seconds - word.start_seconds for word in spoken.words}
    assert lengths["$20"] > 0.4
    assert lengths["23/11/2026"] > 1.0
    assert lengths["123-4567,"] > 1.2
    assert lengths["for"] < 0.4
