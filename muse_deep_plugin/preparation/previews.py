"""Pictures that the database names: where they are, seen from a page."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from attrs import frozen

from phoenix_core.association_block import is_safe_name
from phoenix_core.pages.templates import address

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")


@frozen
class Previews:
    """The pictures that are there, below the directories that may have them."""

    links: Mapping[str, str]

    def link(self, named: str) -> str:
        """Return the address of a picture, '' where there is none.

        Args:
            named: its path, as the database has it.
        """
        return self.links.get(named, "")


def is_picture(link: str) -> bool:
    """Whether a page can show what is behind a link."""
    return link.lower().endswith(PICTURES)


def find_previews(named: Iterable[str], roots: Iterable[Path], page: Path) -> Previews:
    """Look for pictures.

    Each directory is listed once: a history names more pictures than can be looked
    for one by one. A path leads nowhere unless it is plain and stays below a root.

    Args:
        named: paths as the database has them: relative to a root, or absolute in one.
        roots: directories that have pictures; the first that has one is taken.
        page: the directory of the page.
    """
    seen = {os.fspath(root): os.path.relpath(root, page) for root in roots}
    known: dict[str, list[tuple[str, frozenset[str]]]] = {}
    links: dict[str, str] = {}
    for name in named:
        folder, _, file = name.rpartition("/")
        places = known.get(folder)
        if places is None:
            places = known[folder] = list(_places(folder, seen))
        for place, there in places:
            if file in there:
                links[name] = address(PurePosixPath(place, file))
                break
    return Previews(links)


def _places(
    folder: str, seen: Mapping[str, str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Find where a folder is below the roots, as seen from the page, and its files."""
    for root, from_page in seen.items():
        inside = "" if folder == root else folder.removeprefix(f"{root}/")
        there = _files_in(root, inside)
        if there:
            yield f"{from_page}/{inside}", there


def _files_in(root: str, folder: str) -> frozenset[str]:
    """The plainly named files of a folder below a root."""
    if folder and not all(map(is_safe_name, folder.split("/"))):
        return frozenset()
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            return frozenset(
                e.name for e in entries if e.is_file() and is_safe_name(e.name)
            )
    except OSError:
        return frozenset()
