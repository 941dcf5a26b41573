"""A scene made by itself: H.264 in closed groups of pictures, its exact sound, and what was said and written.

Films are joined from segments without encoding a picture twice, so a segment that is kept saves a render.
This module is what one needs to keep them: their keys and their files' names.
"""

from heygen_graphql.rendering.segments.plan import expected_seconds, file_name, segment_keys

__all__ = ["expected_seconds", "file_name", "segment_keys"]
