"""The desktop: files are opened with its own viewers, where there is one."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

_OPENER: Final = "xdg-open"
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY")


def open_file(path: Path) -> bool:
    """Open a file with the viewer of the desktop; False where there is no desktop."""
    opener = shutil.which(_OPENER)
    if opener is None or not any(os.environ.get(name) for name in _DISPLAYS):
        return False
    try:
        subprocess.Popen(
            [opener, str(path.absolute())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the review does not close it
        )
    except OSError:
        return False
    return True
