"""Which language a text is in, as far as its letters and its commonest words tell."""

import re

from heygen_graphql.rendering.speech.writing import LATIN, language_of_system, main_system

# Of the hundred commonest words of each language, those that few others share.
_COMMON_WORDS = {
    "en": "the and of to is that it for with was this are you have not",
    "de": "der die und das ist nicht ein eine zu mit sich auf den wir ich",
    "fr": "le la les et est des une dans pour que qui pas vous nous avec",
    "es": "el los las y es una por con para que se del como más está",
    "it": "il che di è per una non con sono gli della anche questo nel più",
    "pt": "o os as um uma não que com para do da em mais você está",
    "nl": "de het een en van is dat niet op te zijn met voor wij ook",
    "sv": "och att det som en är på inte av för med den jag har till",
    "nb": "og det er en som på ikke av for med jeg har til vi deg",
    "pl": "i w nie na się że jest to do z jak co ale czy są",
    "cs": "a je se na že to v s jsem ale jak by které jsou není",
    "tr": "bir ve bu için ile de da çok ne gibi daha var ben değil olarak",
    "vi": "và của là có cho không được trong một những với người này đã các",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam akan pada saya juga ada",
    "ro": "și în este nu că cu la pentru care mai din sunt o fi această",
    "hu": "a az és hogy nem is egy ez van meg mint csak de volt már",
    "fi": "ja on ei se että hän mutta kun niin ovat oli myös tämä joka mitä",
}
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON_WORDS.items()}


def language_of(text: str) -> str:
    """A BCP 47 primary subtag; English for Latin letters that tell nothing else."""
    system = main_system(text)
    if system is not None and system != LATIN:
        return language_of_system(system, text)
    words = re.findall(r"[^\W\d_]+", text.lower())
    scores = {language: sum(word in common for word in words) for language, common in _WORDS.items()}
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] > scores["en"] else "en"
