"""The dpc AB of a target: all of its exposures, to be combined into one deep cube."""

from collections.abc import Sequence
from typing import Final

from muse_deep_plugin import __version__
from muse_deep_plugin.exposure_time import in_time
from muse_deep_plugin.steps import EXP_COMBINE, SCIPOST, ab_name
from phoenix_core.errors import ConfigError
from phoenix_core.model import AssociationBlock
from phoenix_core.pseudo_date import pseudo_date
from phoenix_core.run_id import parse_run_id

TOOL: Final = "phoenix_createDeep"
RAW_TYPE: Final = "MUSE_DEEP"
_FEWEST: Final = 2


def deep_block(
    target: str,
    psts: Sequence[AssociationBlock],
    run_id: str,
    *,
    crowded: bool = False,
    params: Sequence[str] = (),
    date: str = "",
) -> AssociationBlock:
    """Make the dpc AB of a target from the pst ABs of its exposures, in any order.

    It is named after the first exposure. Its OFFSET_LIST is added by the AB_PGI.

    Args:
        target: name of the target, without blanks.
        psts: the muse_scipost ABs of its exposures.
        run_id: the run, the MASTER's where several runs are combined.
        crowded: whether PROC_MODE is CROWDED.
        params: of muse_exp_combine, those of the tpl ABs.
        date: the run's pseudo-date, by default the one that the rule gives.

    Raises:
        ConfigError: fewer than two exposures, one of them twice, an AB of another
            recipe, or a target's name with blanks.
    """
    run = parse_run_id(run_id)
    members = sorted(psts, key=lambda pst: in_time(pst.name))
    _check(target, members)
    first = members[0]
    name = ab_name(first.name, EXP_COMBINE)
    root = f"r.{name.removesuffix('.ab')}"
    day = date or pseudo_date(run)
    filters = [m for m in first.mcalibs if m.tag == "FILTER_LIST" and not m.is_virtual]
    carried = ("OBS_PROG_ID", "OBS_MODE", "OBS_ID", "MJD-OBS", "RAW_MATCH_KEY")
    return AssociationBlock.create(
        {
            "TOOL_VERSION": f"{TOOL}-{__version__}",
            "INSTRUMENT": first.value("INSTRUMENT") or "MUSE",
            "DATE": day,
            "DPR_CATG": first.value("DPR_CATG") or "SCIENCE",
            "RAW_TYPE": RAW_TYPE,
            "RECIPE": EXP_COMBINE.recipe,
            "DRS_TYPE": first.value("DRS_TYPE") or "CPL",
            "BATCH_ID": f"SCIENCE_{day}",
            "AB_NAME": name,
            "AB_EVENT": "DEEP",
            "COMPLETENESS": _completeness(members),
            "PROCESS_STATUS": "CREATED",
            **{key: first.values(key) for key in carried},
            "MJD-OBS_MOD": _middle(members),
            "PROD_ROOT_NAME": root,
            "LOG_NAME": f"{root}.log",
            "TARGET": target,
            "RUN_ID": run.formal,
            "PROC_MODE": ["CROWDED"] if crowded else [],
            "RECIPE_PARAM": params,
            "MCALIB": [
                *(f"VIRTUAL  {pst.name}  PIXTABLE_REDUCED" for pst in members),
                *(f"REAL     {m.file}  {m.tag}" for m in filters[:1]),
            ],
        }
    )


def _check(target: str, members: Sequence[AssociationBlock]) -> None:
    if len(target.split()) != 1:
        raise ConfigError(f"'{target}' is no target's name; expected one word")
    if len(members) < _FEWEST:
        count = len(members)
        raise ConfigError(f"{target} has {count} exposures; a deep cube needs 2")
    names = [pst.name for pst in members]
    for pst in members:
        if pst.recipe != SCIPOST.recipe:
            raise pst.wrong("RECIPE", pst.recipe, f"{SCIPOST.recipe} (a pst AB)")
        if names.count(pst.name) > 1:
            raise ConfigError(f"{target}: {pst.name} is given twice")


def _completeness(members: Sequence[AssociationBlock]) -> str:
    said = {pst.value("COMPLETENESS") or "COMPLETE" for pst in members}
    return "COMPLETE" if said == {"COMPLETE"} else "INCOMPLETE"


def _middle(members: Sequence[AssociationBlock]) -> list[str]:
    """MJD of the middle between the first start and the last end; [] if unknown."""
    try:
        starts = [float(pst.value("MJD-OBS")) for pst in members]
        middles = [float(pst.value("MJD-OBS_MOD")) for pst in members]
    except ValueError:
        return []
    ends = [2 * mid - start for start, mid in zip(starts, middles, strict=True)]
    return [f"{(min(starts) + max(ends)) / 2:.8f}"]
