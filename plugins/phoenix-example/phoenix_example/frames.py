"""Frames on disk: images in numpy's own format."""

from pathlib import Path
from threading import Lock

import numpy as np

from phoenix_example.recipes import Image

# numpy parses the header as Python, and CPython before 3.11.8 now and then fails when
# two threads parse at the same time (gh-106905); hooks are called from several.
_PARSING = Lock()


def read_frame(path: Path) -> Image:
    """Read an image.

    Raises:
        OSError, ValueError, EOFError: it is missing, or no image.
    """
    with _PARSING:
        image: Image = np.load(path)
    return image
