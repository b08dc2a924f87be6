"""Which exposures an AB takes, by the words that people have for them.

An exposure is a raw file that the AB takes, or what another AB made of one; that AB is
named after its first raw file. OB:<OBS_ID> is all exposures of an OB.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from phoenix_core.ab.dropped import dropped, taken
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.move.plan import needs_of
from phoenix_core.nearest import nearest
from phoenix_core.words.plain_text import short

_END = re.compile(r"\.(fits\.fz|[A-Za-z]\w*)$")  # no digit: times are in names
_OB = "OB:"
_NAMED = 4


def related(name: str, blocks: Mapping[str, AssociationBlock]) -> tuple[str, ...]:
    """Return an AB, all that it needs, and all that needs it."""
    below = needs_of(name, blocks)
    above = (other for other in blocks if name in needs_of(other, blocks))
    return tuple(sorted({name, *below, *above}))


def find_exposures(
    block: AssociationBlock,
    blocks: Mapping[str, AssociationBlock],
    words: Sequence[str],
) -> tuple[str, ...]:
    """Return what people mean: raw files, or ABs, that an AB takes or took.

    Args:
        block: the AB.
        blocks: all of its run by name.
        words: names of raw files, with or without .fits, or of ABs, or OB:<OBS_ID>.

    Raises:
        ConfigError: there is no such exposure; the nearest one, or what was meant.
    """
    files = dict.fromkeys(file for file, _ in taken(block))
    files |= dict.fromkeys(one.file for one in dropped(block))
    known, below = _names(_single(files, blocks), blocks)
    found: list[str] = []
    for word in words:
        key = _key(word)
        if key not in known:
            raise _unknown(block, word, known, below.get(key, ()))
        found += known[key]
    return tuple(dict.fromkeys(found))


def _single(
    files: Iterable[str], blocks: Mapping[str, AssociationBlock]
) -> tuple[str, ...]:
    """The exposures among them: not what is made of others, as an alignment is."""
    there = set(files)
    made_of = {file: needs_of(file, blocks) for file in there & blocks.keys()}
    return tuple(f for f in files if not there & made_of.get(f, frozenset()))


def _key(word: str) -> str:
    is_ob = word[: len(_OB)].upper() == _OB
    return _OB + word[len(_OB) :] if is_ob else _END.sub("", word)


def _names(
    files: Iterable[str], blocks: Mapping[str, AssociationBlock]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Files by what they are called, and by the raw files that they only contain."""
    known: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for file in files:
        stem = _END.sub("", file)
        known[stem].append(file)
        if file not in blocks:
            continue
        if ob := blocks[file].value("OBS_ID"):
            known[_OB + ob].append(file)
        for raw in _raw_files(file, blocks):
            if stem.startswith(f"{raw}_"):
                known[raw].append(file)
            elif raw != stem:
                below[raw].append(file)
    return known, below


def _raw_files(name: str, blocks: Mapping[str, AssociationBlock]) -> Iterable[str]:
    """The raw files that an AB descends from, without .fits."""
    makers = (name, *needs_of(name, blocks))
    return dict.fromkeys(
        _END.sub("", raw.file) for maker in makers for raw in blocks[maker].rawfiles
    )


def _unknown(
    block: AssociationBlock,
    word: str,
    known: Mapping[str, Sequence[str]],
    users: Sequence[str],
) -> ConfigError:
    shown = short(word)
    if users:
        some = ", ".join(users[:_NAMED])
        more = f" and {len(users) - _NAMED} more" if len(users) > _NAMED else ""
        return ConfigError(
            f"{shown} is no exposure of {block.name}, which takes what was made with "
            f"it: {some}{more}; name those that are meant"
        )
    hint = nearest(_key(word), known)
    return ConfigError(f"{block.name} takes no exposure {shown}{hint}")
