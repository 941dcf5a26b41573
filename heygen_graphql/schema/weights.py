"""What costs more or less than an object's 1, in points. `cost` says how they add up.

A point is about what loading and writing out one small object takes; a tenth of a second of a core is
some hundred of them.
"""

from collections.abc import Mapping

OBJECT = 1
CHANGE = 10
"""Every mutation, and every subscription at its start, besides what it answers."""
COUNT = 5
"""`totalCount` of any connection: a query of its own over the whole list."""
INTROSPECTION = 100
"""`__schema` or `__type`, whatever is inside: validation bounds that."""
LENGTH = 10
"""Entries that a list without pages is assumed to have, unless LENGTHS says otherwise."""

TYPES: Mapping[str, int] = {
    # Parts of what has been counted already: nothing is loaded for them.
    "PageInfo": 0,
    "UserError": 0,
}

OWN: Mapping[str, int] = {
    "Query.estimateVideo": 10,
    "User.videosCount": COUNT,
    "Mutation.signUp": 50,
    "Mutation.logIn": 50,
    "Mutation.changePassword": 50,
    "Mutation.completeUpload": 50,
    "Mutation.createPhotoAvatar": 100,
    "Mutation.previewSpeech": 100,
}

LENGTHS: Mapping[str, int] = {
    "ServerInfo.languages": 1,
    "SpeechPayload.words": 150,
    "Video.scenes": 5,
    "Video.transcript": 500,
}

FOR_EACH: Mapping[str, str] = {
    "Query.nodes": "ids",
}
"""Fields whose whole cost counts once for each entry of one of their arguments."""
