"""What costs more or less than an object's 1, in points. `cost` says how they add up.

A point is about what loading one object and writing it out with some dozens of scalars takes, links
apart: a few tenths of a millisecond of a core.
"""

from collections.abc import Mapping

OBJECT = 1
CHANGE = 10
"""Every mutation, and every subscription at its start, besides what it answers."""
COUNT = 5
"""`totalCount` of any connection: a query of its own over the whole list."""
LINK = 1
ALIAS = 1
"""A scalar under another name. Under their own, an object has no more scalars than the schema; by aliases
it has as many as somebody likes."""
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
    # A link is signed for each answer.
    "Asset.url": LINK,
    "Avatar.previewUrl": LINK,
    "Video.captionsUrl": LINK,
    "Video.thumbnailUrl": LINK,
    "Video.url": LINK,
    "Voice.sampleUrl": LINK,
    "Query.estimateVideo": 50,
    # Every page of somebody's videos is a query of its own, also inside another page.
    "User.videos": 20,
    "User.videosCount": COUNT,
    # A password's hash takes a quarter of a second ...
    "Mutation.changePassword": 50,
    "Mutation.deleteMe": 50,
    "Mutation.logIn": 50,
    "Mutation.signUp": 50,
    # ... and work in child processes up to some seconds.
    "Mutation.completeUpload": 50,
    "Mutation.createPhotoAvatar": 100,
    "Mutation.previewSpeech": 100,
    # For each input: 100 of them fit into the most that an operation may cost, the videos' scalars included.
    "Mutation.createVideos": 5,
    "Mutation.createVideosFromTemplate": 5,
}

# Entries of lists without pages. Longer ones exist; `docs/decisions.md` says what they cost at worst.
LENGTHS: Mapping[str, int] = {
    "Query.apiKeys": 10,
    "Query.webhooks": 10,
    "SpeechPayload.words": 150,
    "Template.scenes": 5,
    "Video.scenes": 5,
    "Video.transcript": 100,
    # Its field has been counted for each input.
    "VideosPayload.results": 1,
}

FOR_EACH: Mapping[str, str] = {
    "Mutation.createVideos": "inputs",
    "Mutation.createVideosFromTemplate": "inputs",
    "Query.nodes": "ids",
}
"""Fields whose whole cost counts once for each entry of one of their arguments."""
