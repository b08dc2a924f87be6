"""Files that are there twice: under one name, or one exposure under two names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os.path import realpath
from pathlib import Path

from attrs import evolve

from phoenix_core.create_ab.classify import Frame, as_key
from phoenix_core.create_ab.rules import Rules
from phoenix_core.words.plain_text import plain

SUFFIXES = (".fits.fz", ".fits")


def stem(name: str) -> str:
    """Return a file's name without .fits."""
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def mark_doubles(
    rules: Rules,
    of: str,
    frames: Sequence[Frame],
    places: Mapping[str, Sequence[Path]],
) -> tuple[Frame, ...]:
    """Give files that are there twice their problem, naming all of them.

    Of those under one name only the first keeps its tag, since a name makes one AB.

    Args:
        rules: with the keyword, if any, by which exposures differ beside time and tag.
        of: "raw" or "calib"; only raw frames are held against each other by time.
        frames: the files, in order.
        places: where files of a name lie, also in other nights.
    """
    named = _by(stem(frame.name) for frame in frames)
    times = _by(_exposure(rules, of, frame) for frame in frames)
    found: list[Frame] = []
    for place, frame in enumerate(frames):
        same_name = named[stem(frame.name)]
        same_time = times.get(_exposure(rules, of, frame), [])
        others = [frames[n].path for n in same_name if n != place]
        others += _elsewhere(frame, places)
        copies = [frames[n].path for n in same_time if n != place]
        problem = frame.problem
        if others and not problem:
            paths = " and ".join(sorted([frame.path, *others]))
            problem = plain(f"is there more than once: {paths}; keep one")
        elif copies and not problem:
            told = " and ".join(copies)
            problem = plain(f"is the same exposure as {told}; keep one")
        if frame.tag and place != same_name[0]:
            found.append(evolve(frame, problem=problem, tag=None))
        else:
            found.append(evolve(frame, problem=problem) if problem else frame)
    return tuple(found)


def _by(keys: Iterable[object]) -> dict[object, list[int]]:
    """The places of equal keys; None is no key."""
    found: dict[object, list[int]] = {}
    for place, key in enumerate(keys):
        if key is not None:
            found.setdefault(key, []).append(place)
    return found


def _exposure(rules: Rules, of: str, frame: Frame) -> object:
    """What is equal only in copies of one exposure; None where it is not known."""
    if of != "raw" or frame.mjd is None or not frame.tag:
        return None
    return frame.mjd, frame.tag, as_key(frame.values.get(rules.keywords.exposure_id))


def _elsewhere(frame: Frame, places: Mapping[str, Sequence[Path]]) -> Iterator[str]:
    """Where else a file of that name lies; a directory may be seen under two names."""
    found = places.get(frame.name, ())
    if len(found) > 1 or (found and str(found[0]) != frame.path):
        own = realpath(Path(frame.path).parent)
        yield from (str(path) for path in found if realpath(path.parent) != own)
