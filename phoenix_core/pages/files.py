"""Pages on disk: written whole, and only when what they show has changed."""

import os
import re
from collections.abc import Iterable
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

from phoenix_core.files.atomic import write_bytes

ASSETS = ("style.css", "table.js")
_FINGERPRINT = re.compile(rb'<html lang="en" data-fingerprint="([0-9a-f-]*)">')
_HEAD = 256  # bytes: the fingerprint stands before them


def write_assets(directory: Path) -> None:
    """Put the style and the script of all pages beside them.

    Raises:
        OSError: the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name in ASSETS:
        content = files(__package__).joinpath("assets", name).read_bytes()
        path = directory / name
        if not path.is_file() or path.read_bytes() != content:
            write_bytes(path, content)


def fingerprint(parts: Iterable[bytes]) -> str:
    """Return what changes with any of the things that a page shows.

    >>> fingerprint([b"a", b"bc"]) == fingerprint([b"ab", b"c"])
    False
    """
    total = blake2b(digest_size=16)
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def fingerprint_in(path: Path | str) -> str:
    """Return the fingerprint in a page, '' where there is none."""
    try:
        # Bare: a call asks thousands of pages. A pipe is not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        found = _FINGERPRINT.search(os.read(descriptor, _HEAD))
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    return found[1].decode() if found else ""


def write_page(path: Path, page: str) -> None:
    """Write a page in one step.

    Raises:
        OSError: it could not be written whole; the one before is untouched.
    """
    # What a terminal or a file took for text may hold halves of letters.
    write_bytes(path, page.encode("utf-8", "replace"))
