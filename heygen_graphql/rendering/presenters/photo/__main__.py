"""`python -m heygen_graphql.rendering.presenters.photo IMAGE RIG PREVIEW`: one line of JSON on stdout.

{"ok": true}, or {"code": ..., "message": ...} when the picture cannot be used; the exit status is 0 for
both. The caller bounds time and memory.
"""

import json
import sys
from pathlib import Path

import cv2

from heygen_graphql.rendering.errors import PictureRefused
from heygen_graphql.rendering.presenters.photo import make_rig


def main() -> None:
    image, rig, preview = map(Path, sys.argv[1:4])
    # Others share this machine's cores.
    cv2.setNumThreads(1)
    try:
        make_rig(image, rig, preview)
    except PictureRefused as refusal:
        answer: dict[str, object] = {"code": refusal.code, "message": str(refusal)}
    else:
        answer = {"ok": True}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
