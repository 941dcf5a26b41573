"""A text as a voice would speak it, for tests of what is shown meanwhile."""

from heygen_graphql.rendering.speech import TimedWord

NEWS = (
    "Good evening. The river rose by two metres last night, and the old bridge, which had stood for "
    "three hundred years, was closed to every kind of traffic. Nobody was hurt! Will it open again by "
    "the spring? The mayor hopes so; the engineers, who met at 9 a.m. today, are not so sure."
)


def spoken(text: str, *, characters_per_second: float = 15.0, start: float = 0.25) -> list[TimedWord]:
    """The words of a text as a voice would time them, with a breath after each phrase."""
    words = []
    for word in text.split():
        end = start + len(word) / characters_per_second
        words.append(TimedWord(word, start, end))
        start = end + (0.4 if word[-1] in ".!?" else 0.15 if word[-1] in ",;" else 0.02)
    return words
