"""Portraits that are free to use: pictures of this project's own drawn presenters."""

import io

import numpy as np
from PIL import Image

from heygen_graphql.rendering import presenters


def portrait_of(*avatar_ids: str, form: str = "PNG", side: int = 1200) -> bytes:
    """The presenters side by side, a square picture of each."""
    pictures = [Image.open(io.BytesIO(presenters.preview_png(one, side, side))) for one in avatar_ids]
    file = io.BytesIO()
    Image.fromarray(np.hstack([np.asarray(one.convert("RGB")) for one in pictures])).save(file, form)
    return file.getvalue()
