"""A page of any length: written in parts that a browser takes in its stride.

The first part is written last, and tells what all parts were made of and how many
there are. So a call that was killed is completed by the next one.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from attrs import frozen

from phoenix_core.pages.files import fingerprint_in, write_page

LARGEST = 400_000  # bytes of lines in a part; a page stays below 500 kB (ours)


@frozen
class Part:
    """A part of a page: its lines, its place among the parts, its fingerprint."""

    lines: Sequence[str]
    number: int
    names: tuple[str, ...]
    fingerprint: str

    @property
    def name(self) -> str:
        """The file of the part."""
        return self.names[self.number - 1]


def names_of(stem: str, count: int) -> tuple[str, ...]:
    """Return the files of a page in so many parts.

    >>> names_of("x", 2)
    ('x.html', 'x_2.html')
    """
    return (f"{stem}.html", *(f"{stem}_{n}.html" for n in range(2, count + 1)))


def written_names(
    folder: Path, stem: str, fingerprint: str, present: Collection[str]
) -> tuple[str, ...]:
    """Return the files of a page that was made of just this, () where it is due.

    Args:
        folder: where pages lie.
        stem: the name of the page.
        fingerprint: of what it is to be made of.
        present: the names of the files in the folder.
    """
    name = f"{stem}.html"
    found = fingerprint_in(f"{folder}/{name}") if name in present else ""
    of_parts, _, count = found.rpartition("-")
    if of_parts != fingerprint or not count.isdecimal():
        return ()
    names = names_of(stem, int(count))
    return names if all(name in present for name in names) else ()


def write_series(
    folder: Path,
    stem: str,
    fingerprint: str,
    lines: Sequence[str],
    render: Callable[[Part], str],
) -> tuple[str, ...]:
    """Write a page, in parts where it is long; return the names of its files.

    Args:
        folder: where pages lie.
        stem: the name of the page.
        fingerprint: of what it is made of.
        lines: the lines of its table.
        render: makes the page of a part.

    Raises:
        OSError: a part cannot be written; the page is due then.
    """
    pieces = _pieces(lines)
    names = names_of(stem, len(pieces))
    for number in range(len(pieces), 0, -1):
        told = f"{fingerprint}-{len(pieces)}"
        part = Part(pieces[number - 1], number, names, told)
        write_page(folder / part.name, render(part))
    return names


def _pieces(lines: Sequence[str]) -> list[list[str]]:
    """Distribute lines, in their order, so that no piece is too large."""
    pieces: list[list[str]] = [[]]
    room = LARGEST
    for line in lines:
        size = len(line.encode("utf-8", "replace"))
        if size > room and pieces[-1]:
            pieces.append([])
            room = LARGEST
        pieces[-1].append(line)
        room -= size
    return pieces
