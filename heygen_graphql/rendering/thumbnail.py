"""A picture of the film, as a JPEG."""

from pathlib import Path

import av
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from heygen_graphql.rendering.errors import EncodingFailed

_LONG_SIDE_PIXELS = 1280
_JPEG_QUALITY = 88


def save_thumbnail(target: Path, film: Path) -> None:
    """The film's first frame: there the presenter is at rest, about to speak, and no caption is shown yet.

    Raises:
        EncodingFailed: the film cannot be read.
    """
    try:
        with av.open(film) as container:
            container.streams.video[0].codec_context.thread_count = 1
            frame = next(container.decode(video=0))
    except av.FFmpegError as error:
        raise EncodingFailed(f"The film has no first frame: {error.strerror}.") from error
    scale = min(1.0, _LONG_SIDE_PIXELS / max(frame.width, frame.height))
    rgb = frame.reformat(
        width=round(frame.width * scale),
        height=round(frame.height * scale),
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    Image.fromarray(rgb.to_ndarray()).save(
        target, "JPEG", quality=_JPEG_QUALITY, optimize=True, progressive=True
    )
