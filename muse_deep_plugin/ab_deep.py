"""pgi_phoenix_MUSE_AB_deep (AB_PGI): the science cascade of a run's deep datacubes.

Both schemes of the MUSE_DEEP page: N OBJECT exposures are N scibasic, N scipost, one
exp_align and one exp_combine; where there are M SKY exposures, M scibasic and M
create_sky come first. The AB store has no dal ABs: each is made from its dpc AB, and
afresh each time, unless the store brings one or the dpc AB names an OFFSET_LIST.
Associations come with the ABs and are not changed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from attrs import evolve, field, frozen

from muse_deep_plugin import __version__
from muse_deep_plugin.exposure_time import in_time
from muse_deep_plugin.recipe_params import param_value, with_params, without_param
from muse_deep_plugin.steps import EXP_ALIGN, EXP_COMBINE, STEPS, ab_name, step_of
from phoenix_core import hookimpl
from phoenix_core.errors import ConfigError
from phoenix_core.model import AssociationBlock, Cascade, Finding, Mcalib, Run
from phoenix_core.run_id import RunId, parse_run_id

PGI: Final = "pgi_phoenix_MUSE_AB_deep"
INSTRUMENT: Final = "MUSE"
CROWDED: Final = "CROWDED"

CROWDED_SCIPOST: Final = ("--skymethod=none",)
"""No sky subtraction where stars leave no sky to measure (MUSE_DEEP page)."""

CROWDED_EXP_ALIGN: Final = (
    "--threshold=100.",
    "--iterations=20000",
    "--srcmax=200",
    "--srcmin=2",
    "--step=5.",
)
"""The set of the MUSE_DEEP page; there 20000 has a stray point, the recipe wants an
integer. --rsearch is commented out on the page: the recipe's default holds."""

_NEEDED_SAVES: Final = ("cube", "individual")
_FEWEST: Final = 2
_NAMED: Final = 5


@frozen
class Options:
    """Options of the PGI.

    Beyond `max_inputs` exposures a deep cube does not fit into 2 TB of memory
    (MUSE_DEEP page: about 120). `exp_align` are the parameters of the dal ABs that
    are made, where PROC_MODE is not CROWDED; the page says "normal MUSE_R parameters",
    which are the recipe's defaults here.
    """

    max_inputs: int = 120
    exp_align: list[str] = field(factory=list)


@hookimpl
def ab_pgi(run: Run, blocks: Sequence[AssociationBlock]) -> Cascade:
    """Make the cascade of a run's ABs."""
    return deep_cascade(blocks, run.run_id, run.options(PGI, Options))


def deep_cascade(
    blocks: Sequence[AssociationBlock],
    run_id: RunId | None = None,
    options: Options | None = None,
) -> Cascade:
    """Order ABs target by target, with their dal ABs and parameter sets.

    No block is lost: what no dpc AB needs comes last, with a warning.

    Raises:
        ConfigError: ABs need each other in a circle, or one cannot be read.
    """
    options = options or Options()
    by_name, doubles = _by_name(blocks)
    deep = [b for b in by_name.values() if b.recipe == EXP_COMBINE.recipe]
    for dpc in sorted(deep, key=lambda block: in_time(block.name)):
        aligned, dal = _aligned(dpc, by_name, options)
        by_name[dpc.name] = aligned
        if dal:
            by_name[dal.name] = dal
    dpcs = [by_name[name] for name in sorted((b.name for b in deep), key=in_time)]
    of_target = {dpc.name: _exposures(dpc, by_name) for dpc in dpcs}
    by_name |= _parameter_sets(dpcs, of_target, by_name)
    findings = [
        *doubles,
        *_foreign_instruments(by_name.values()),
        *foreign_runs(by_name.values(), run_id),
        *_missing(by_name),
        *_no_targets(dpcs, by_name),
    ]
    for dpc in dpcs:
        findings += _target_findings(dpc, of_target[dpc.name], by_name, options)
    findings += _mode_conflicts(dpcs, of_target)
    groups = _groups(dpcs, by_name)
    findings += _unneeded(by_name, groups)
    return Cascade(_ordered(by_name, groups), tuple(findings))


# What is there ------------------------------------------------------------------


def _by_name(
    blocks: Iterable[AssociationBlock],
) -> tuple[dict[str, AssociationBlock], list[Finding]]:
    by_name: dict[str, AssociationBlock] = {}
    findings = []
    for block in sorted(blocks, key=lambda block: (block.name, block.text)):
        if block.name not in by_name:
            by_name[block.name] = block
        elif by_name[block.name] != block:
            message = f"{block.name} is there twice, with different content; remove one"
            findings.append(Finding(message, block.name, is_error=True))
    return by_name, findings


def _taken(block: AssociationBlock, tag: str) -> tuple[Mcalib, ...]:
    return tuple(m for m in block.mcalibs if m.tag == tag)


def _exposures(
    dpc: AssociationBlock, by_name: Mapping[str, AssociationBlock]
) -> tuple[AssociationBlock, ...]:
    """The pst ABs of a dpc AB that are there, in time."""
    names = {m.file for m in _taken(dpc, "PIXTABLE_REDUCED") if m.is_virtual}
    return tuple(by_name[name] for name in sorted(names & set(by_name), key=in_time))


def _is_crowded(block: AssociationBlock) -> bool:
    return block.value("PROC_MODE") == CROWDED


# The dal ABs --------------------------------------------------------------------


def _aligned(
    dpc: AssociationBlock, by_name: Mapping[str, AssociationBlock], options: Options
) -> tuple[AssociationBlock, AssociationBlock | None]:
    """Return a dpc AB in time order with its OFFSET_LIST, and the dal AB it lacks."""
    inputs = sorted(_taken(dpc, "PIXTABLE_REDUCED"), key=lambda m: in_time(m.file))
    others = [m for m in dpc.mcalibs if m.tag != "PIXTABLE_REDUCED"]
    dal_name = ab_name(dpc.name, EXP_ALIGN)
    if not _taken(dpc, "OFFSET_LIST"):
        others.append(Mcalib("VIRTUAL", dal_name, "OFFSET_LIST"))
    lists = {m.file for m in others if m.tag == "OFFSET_LIST"}
    wanted = (*inputs, *others)
    if wanted != dpc.mcalibs:
        dpc = dpc.with_values("MCALIB", map(_line, wanted))
    if dal_name not in lists or dal_name in by_name:
        return dpc, None
    return dpc, _dal(dpc, dal_name, inputs, options)


def _line(mcalib: Mcalib) -> str:
    return f"{mcalib.kind:<8} {mcalib.file:<44} {mcalib.tag}"


def _dal(
    dpc: AssociationBlock, name: str, inputs: Iterable[Mcalib], options: Options
) -> AssociationBlock:
    """Make the exp_align AB that gives a dpc AB its OFFSET_LIST."""
    crowded = _is_crowded(dpc)
    carried = (
        *("INSTRUMENT", "DATE", "DPR_CATG", "DRS_TYPE", "BATCH_ID", "AB_EVENT"),
        *("COMPLETENESS", "OBS_PROG_ID", "OBS_MODE", "OBS_ID", "MJD-OBS"),
        *("MJD-OBS_MOD", "RAW_MATCH_KEY", "TARGET", "RUN_ID", "PROC_MODE"),
    )
    params = without_param(options.exp_align, "rsearch") if crowded else ()
    params = with_params(params, CROWDED_EXP_ALIGN if crowded else options.exp_align)
    root = f"r.{name.removesuffix('.ab')}"
    virtual = [m for m in inputs if m.is_virtual]
    return AssociationBlock.create(
        {
            **{key: dpc.values(key) for key in carried},
            "TOOL_VERSION": f"{PGI}-{__version__}",
            "RAW_TYPE": "IMAGE_FOV",
            "RECIPE": EXP_ALIGN.recipe,
            "AB_NAME": name,
            "PROCESS_STATUS": "CREATED",
            "PROD_ROOT_NAME": root,
            "LOG_NAME": f"{root}.log",
            "RECIPE_PARAM": params,
            "MCALIB": [_line(evolve(m, tag="IMAGE_FOV")) for m in virtual],
        }
    )


# Parameter sets -----------------------------------------------------------------


def _parameter_sets(
    dpcs: Iterable[AssociationBlock],
    of_target: Mapping[str, Sequence[AssociationBlock]],
    by_name: Mapping[str, AssociationBlock],
) -> dict[str, AssociationBlock]:
    """Return the pst ABs with the parameters that their dpc AB wants of them."""
    changed: dict[str, AssociationBlock] = {}
    for dpc in dpcs:
        for pst in of_target[dpc.name]:
            block = changed.get(pst.name, by_name[pst.name])
            saves = param_value(block.params, "save", "cube,skymodel").split(",")
            lacking = [save for save in _NEEDED_SAVES if save not in saves]
            wanted = [f"--save={','.join((*saves, *lacking))}"] if lacking else []
            if _is_crowded(dpc):
                wanted += CROWDED_SCIPOST
                block = block.with_value("PROC_MODE", CROWDED)
            params = with_params(block.params, wanted)
            if params != block.params:
                block = block.with_values("RECIPE_PARAM", params)
            changed[pst.name] = block
    return changed


# Findings -----------------------------------------------------------------------


def _foreign_instruments(blocks: Iterable[AssociationBlock]) -> list[Finding]:
    return [
        Finding(
            f"{block.name} is of INSTRUMENT {said}, not {INSTRUMENT}; correct it or "
            "take it out of the AB store",
            block.name,
            is_error=True,
        )
        for block in blocks
        if (said := block.value("INSTRUMENT")) not in {INSTRUMENT, ""}
    ]


def foreign_runs(
    blocks: Iterable[AssociationBlock], run_id: RunId | None
) -> list[Finding]:
    """ABs of another run: two runs share a pseudo-date, or an AB was misplaced."""
    if run_id is None:
        return []
    foreign: dict[str, list[str]] = {}
    for block in blocks:
        text = block.value("RUN_ID")
        if not text and block.recipe == EXP_COMBINE.recipe:
            text = block.value("OBS_PROG_ID")
        if text and _run_id(text) != run_id:
            foreign.setdefault(text, []).append(block.name)
    return [
        Finding(
            f"{_some(sorted(names))} of run {text} in the AB store's directory of "
            f"{run_id.formal}: two runs have one pseudo-date, or ABs were misplaced; "
            "move them away (phoenix pseudo-date tells whose it is)",
            min(names),
            is_error=True,
        )
        for text, names in sorted(foreign.items())
    ]


def _run_id(text: str) -> RunId | None:
    try:
        return parse_run_id(text)
    except ConfigError:
        return None


def _missing(by_name: Mapping[str, AssociationBlock]) -> list[Finding]:
    return [
        Finding(
            f"{name} needs {need}, which is not among the ABs of the run; "
            "fetch it or take it out of the AB",
            name,
            is_error=True,
        )
        for name, block in sorted(by_name.items())
        for need in block.needs
        if need not in by_name
    ]


def _no_targets(
    dpcs: Sequence[AssociationBlock], by_name: Mapping[str, AssociationBlock]
) -> list[Finding]:
    if dpcs or not by_name:
        return []
    message = (
        f"none of the {len(by_name)} ABs combines exposures (muse_exp_combine); make "
        "the dpc ABs of the run first"
    )
    return [Finding(message, is_error=True)]


def _target_findings(
    dpc: AssociationBlock,
    psts: Sequence[AssociationBlock],
    by_name: Mapping[str, AssociationBlock],
    options: Options,
) -> list[Finding]:
    name = dpc.name
    findings = []
    inputs = [m.file for m in _taken(dpc, "PIXTABLE_REDUCED")]
    count = len(set(inputs))
    target = dpc.value("TARGET") or name

    def found(message: str, *, is_error: bool = False) -> None:
        findings.append(Finding(message, name, is_error=is_error))

    if not dpc.value("TARGET"):
        found(f"{name} has no TARGET; its deep cube will carry no target's name")
    if count < _FEWEST:
        found(
            f"{target} ({name}) has {count} exposure; muse_exp_combine and "
            "muse_exp_align need at least 2",
            is_error=True,
        )
    for twice in sorted(one for one, n in Counter(inputs).items() if n > 1):
        message = f"{name} names {twice} twice; the recipe would ignore one"
        found(message, is_error=True)
    if count > options.max_inputs:
        found(
            f"{target} ({name}) has {count} exposures, more than "
            f"{options.max_inputs}: exp_combine may not fit into memory"
        )
    obs = {pst.value("OBS_ID") for pst in psts}
    if count >= _FEWEST and len(psts) == count and len(obs) == 1:
        found(
            f"all {count} exposures of {target} ({name}) are of OB {obs.pop()}: its "
            "deep cube is the combined cube that exists"
        )
    found_sky = sorted(n for p in psts for n in p.needs if _is_sky(by_name.get(n)))
    if _is_crowded(dpc) and found_sky:
        found(
            f"{target} ({name}) is CROWDED but has SKY observations "
            f"({_some(sorted(set(found_sky)))}): no sky is subtracted; remove its "
            "PROC_MODE to subtract theirs"
        )
    return [*findings, *_unaligned(dpc, by_name)]


def _is_sky(block: AssociationBlock | None) -> bool:
    return block is not None and block.recipe == "muse_create_sky"


def _unaligned(
    dpc: AssociationBlock, by_name: Mapping[str, AssociationBlock]
) -> list[Finding]:
    """Exposures that the dal AB leaves out: they would be combined where they fell."""
    lists = [m.file for m in _taken(dpc, "OFFSET_LIST") if m.is_virtual]
    found = []
    for dal in (by_name[name] for name in lists if name in by_name):
        images = {m.file for m in _taken(dal, "IMAGE_FOV")}
        tables = [m.file for m in _taken(dpc, "PIXTABLE_REDUCED")]
        if left_out := sorted(set(tables) - images):
            message = (
                f"{dal.name} does not align {_some(left_out)}, which {dpc.name} "
                "combines; add the IMAGE_FOV to the one or remove it from the other"
            )
            found.append(Finding(message, dal.name, is_error=True))
    return found


def _mode_conflicts(
    dpcs: Iterable[AssociationBlock],
    of_target: Mapping[str, Sequence[AssociationBlock]],
) -> list[Finding]:
    """Exposures that two targets want with different parameters."""
    modes: dict[str, dict[bool, list[str]]] = {}
    for dpc in dpcs:
        for pst in of_target[dpc.name]:
            users = modes.setdefault(pst.name, {})
            users.setdefault(_is_crowded(dpc), []).append(dpc.name)
            if _is_crowded(pst):  # as the AB store has it
                users.setdefault(True, []).append(pst.name)
    return [
        Finding(
            f"{name} is CROWDED for {_some(users[True])} and normal for "
            f"{_some(users[False])}; an AB has one set of parameters: set PROC_MODE "
            "alike",
            name,
            is_error=True,
        )
        for name, users in sorted(modes.items())
        if len(users) > 1
    ]


def _unneeded(
    by_name: Mapping[str, AssociationBlock], groups: Mapping[str, int]
) -> list[Finding]:
    names = sorted(set(by_name) - set(groups), key=in_time)
    if not names or not groups:
        return []
    message = (
        f"no dpc AB needs {_some(names)}; kept, and processed last: remove what is "
        "not wanted"
    )
    return [Finding(message, names[0])]


def _some(names: Sequence[str]) -> str:
    """Name up to five of several ABs."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


# Order --------------------------------------------------------------------------


def _groups(
    dpcs: Iterable[AssociationBlock], by_name: Mapping[str, AssociationBlock]
) -> dict[str, int]:
    """Return the number of the first target that needs each AB."""
    groups: dict[str, int] = {}
    for number, dpc in enumerate(dpcs):
        todo = [dpc.name]
        while todo:
            name = todo.pop()
            if name in by_name and name not in groups:
                groups[name] = number
                todo += by_name[name].needs
    return groups


def _ordered(
    by_name: Mapping[str, AssociationBlock], groups: Mapping[str, int]
) -> tuple[AssociationBlock, ...]:
    """Sort by target, step and time, but nothing before what it needs."""
    rank = {step: place for place, step in enumerate(STEPS)}
    last = len(groups)

    def key(block: AssociationBlock) -> tuple[int, int, tuple[str, str]]:
        step = step_of(block)
        place = rank[step] if step else len(STEPS)
        return groups.get(block.name, last), place, in_time(block.name)

    waits = {name: set(b.needs) & set(by_name) for name, b in by_name.items()}
    needed_by: dict[str, list[str]] = {}
    for name, needs in waits.items():
        for need in needs:
            needed_by.setdefault(need, []).append(name)
    ready = [(key(by_name[name]), name) for name, needs in waits.items() if not needs]
    heapify(ready)
    ordered = []
    while ready:
        _, name = heappop(ready)
        ordered.append(by_name[name])
        for user in needed_by.get(name, ()):
            waits[user].discard(name)
            if not waits[user]:
                heappush(ready, (key(by_name[user]), user))
    if circle := sorted(set(by_name) - {block.name for block in ordered}):
        raise ConfigError(f"{_some(circle)} need each other in a circle; correct them")
    return tuple(ordered)
