"""Words and their times become cues; cues become VTT, SRT, and pictures."""

from heygen_graphql.rendering.captions.cues import Cue, CueWord, cues
from heygen_graphql.rendering.captions.picture import CaptionPainter
from heygen_graphql.rendering.captions.sidecars import to_srt, to_vtt

__all__ = ["CaptionPainter", "Cue", "CueWord", "cues", "to_srt", "to_vtt"]
