"""What a file from a stranger is: `python -m heygen_graphql.rendering.presenters.look FILE`.

Standard output gets one line of JSON: the picture's facts, or `code` and `message` of what is wrong.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from heygen_graphql.rendering.errors import PictureRefused
from heygen_graphql.rendering.presenters.pictures import probe_picture, read_picture


def main(path: Path) -> None:
    try:
        told = asdict(probe_picture(path))
        # To its last pixel: a file that is cut short should not be found out by a render.
        read_picture(path)
    except PictureRefused as error:
        told = {"code": error.code, "message": str(error)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
