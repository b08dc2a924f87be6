"""A draft as an association block, in the documented order of its qualifiers."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve

from phoenix_core import __version__
from phoenix_core.ab.incomplete import MISSING
from phoenix_core.association_block import AssociationBlock, is_safe_name
from phoenix_core.create_ab.associate import distance
from phoenix_core.create_ab.drafts import Draft
from phoenix_core.create_ab.notes import with_note
from phoenix_core.create_ab.parts import exposure
from phoenix_core.create_ab.rules import FILE, Rules, Source, Value
from phoenix_core.model import Run
from phoenix_core.words.plain_text import plain

TOOL = "createAB"

_Note = tuple[int, float | None]  # level, days


def block_of(
    run: Run, rules: Rules, draft: Draft, parameters: Mapping[str, Sequence[str]]
) -> AssociationBlock:
    """Write an AB.

    Args:
        run: the night or run.
        rules: where the draft comes from.
        draft: what it is made of.
        parameters: over those of the rules, by recipe.
    """
    primary, group = draft.primary, draft.group
    words = rules.keywords
    root = f"r.{draft.name.removesuffix('.ab')}"
    category = _text(primary.values.get(words.category))
    category = category if is_safe_name(category) else ""
    mcalibs = tuple(_mcalibs(draft))
    block = AssociationBlock.create(
        {
            "TOOL_VERSION": f"{TOOL}-{__version__}",
            "CONFIG_VERSION": rules.version,
            "INSTRUMENT": run.config.instrument,
            "DATE": run.date,
            "DPR_CATG": _some(category),
            "RAW_TYPE": draft.raw_type,
            "RECIPE": group.recipe,
            "DRS_TYPE": rules.drs_type,
            "BATCH_ID": f"{category or 'NONE'}_{run.date}",
            "AB_NAME": draft.name,
            "AB_EVENT": group.event,
            "COMPLETENESS": "INCOMPLETE" if draft.missing else "COMPLETE",
            "PROCESS_STATUS": "CREATED",
            "OBS_PROG_ID": _some(_text(primary.values.get(words.program))),
            "OBS_MODE": _text(primary.values.get(words.mode)) or "NONE",
            "OBS_ID": _some(_text(primary.values.get(words.ob))),
            "MJD-OBS": [] if primary.mjd is None else f"{primary.mjd:.8f}",
            "MJD-OBS_MOD": _middle(rules, draft),
            "PROD_ROOT_NAME": root,
            "LOG_NAME": f"{root}.log",
            "PROD_PATH": f"$DFS_PRODUCT/{draft.raw_type}/{run.date}",
            "RAW_MATCH_KEY": [
                f"{_short(key)}={_text(primary.values[key])}"
                for key in group.match_keys
                if key != FILE and key in primary.values
            ],
            **{
                name: _some(_text(primary.values.get(keyword)))
                for name, keyword in group.qualifiers.items()
            },
            "RECIPE_PARAM": _parameters(draft, parameters.get(group.recipe, ())),
            "RAWFILE": list(_rawfiles(draft)),
            "MCALIB": [line for line, _ in mcalibs],
            MISSING: [f"{plain(m.what)}  {plain(m.why)}" for m in draft.missing],
        }
    )
    return _with_notes(block, [note for _, note in mcalibs])


def _with_notes(
    block: AssociationBlock, notes: Sequence[_Note | None]
) -> AssociationBlock:
    """Put level and distance behind each MCALIB line, as comments."""
    remaining = iter(notes)
    lines = []
    for line in block.lines:
        note = next(remaining) if line.startswith("MCALIB ") else None
        lines.append(with_note(line, *note) if note else line)
    return evolve(block, lines=tuple(lines))


def _rawfiles(draft: Draft) -> Iterator[str]:
    for frame in draft.frames:
        if not frame.problem:
            yield f"{frame.name:<40} {frame.tag}"
    for choice in draft.choices:
        for one in choice.taken:
            if one.source is Source.RAW:
                yield f"{one.name:<40} {one.tag}"


def _mcalibs(draft: Draft) -> Iterator[tuple[str, _Note | None]]:
    """The MCALIB lines with what is noted behind: first what other ABs make."""
    for member, take in draft.inputs:
        yield f"VIRTUAL  {member.name:<40} {take}", None
    for source in (Source.VIRTUAL, Source.CALIB):
        kind = "VIRTUAL" if source is Source.VIRTUAL else "REAL"
        for choice in draft.choices:
            for one in choice.taken:
                if one.source is source:
                    level = choice.level.number if choice.level else 0
                    line = f"{kind:<8} {one.name:<40} {one.tag}"
                    yield line, (level, distance(draft, one))


def _parameters(draft: Draft, wanted: Sequence[str]) -> list[str]:
    """The group's parameters, then the levels', then the user's, each name once."""
    found = list(draft.group.parameters)
    for choice in draft.choices:
        found += choice.level.parameters if choice.level else ()
    found += wanted
    by_name = {text.partition("=")[0]: text for text in found}
    return list(by_name.values())


def _middle(rules: Rules, draft: Draft) -> list[str]:
    """MJD of the middle between the first start and the last end; [] if unknown."""
    frames = [frame for frame in draft.behind if frame.mjd is not None]
    if not frames:
        return []
    first, last = frames[0], frames[-1]
    end = (last.mjd or 0.0) + exposure(rules, last)
    return [f"{((first.mjd or 0.0) + end) / 2:.8f}"]


def _short(keyword: str) -> str:
    """A keyword as the AB writes it: INS_MODE for ESO INS MODE."""
    return keyword.removeprefix("ESO ").replace(" ", "_").replace(".", "_")


def _text(value: Value | None) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return "" if value is None else str(value)


def _some(text: str) -> list[str]:
    """A qualifier without content is left out."""
    return [text] if text.strip() else []
