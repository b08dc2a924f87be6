"""Years of datacubes before: rows for the tables, nothing on disk.

For trying tools with as much as an observatory has. All shares and figures are ours.
"""

from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from .exposures import INSTRUMENT_MODE
from .history import LIMIT, NOISE, REFERENCE_SEEING, REFERENCE_TIME
from .history_tables import Rows
from .sources import generator

CUBES_A_RUN: Final = 50
PERIODS: Final = range(92, 113)
"""MUSE's first periods; each is half a year, from October in the even ones."""

MOST: Final = 400_000
"""Datacubes: there are no more run ids of this form."""

_NIGHTS: Final = 180
_NIGHT: Final = (23.5, 9.0)  # h UT: when the first one starts, and how long it goes on
_SKY_SHARE: Final = 0.08
_ABORTED_SHARE: Final = 0.02
_DEEP_SHARE: Final = 0.4  # of runs that are done
_OVERHEAD: Final = 95_123  # ms between exposures, as in the scenario
_FIRST_OB: Final = 200_000_000
_PENDING: Final = 7
_PENDING_OF: Final = 31
"""One run of 31, from the eighth on, has a raw file that was not processed yet."""

_CATALOGUES: Final = ("NGC", "IC", "ESO", "HE", "PKS", "Abell", "LBQS")
_COMMENTS: Final = ("", "", "", "thin clouds", "seeing at the limit", "moon")

_Array = NDArray[Any]


@frozen
class _Runs:
    """The runs, one element each; `first_target` counts all targets."""

    run_id: _Array
    period: _Array
    mode: _Array
    first_target: _Array
    targets: _Array


@frozen
class _Cubes:
    """The final datacubes, one element each; exposures of one cube are neighbours."""

    run: _Array
    target: _Array
    exposures: _Array
    first: _Array
    exptime: _Array
    seeing: _Array
    is_sky: _Array


def long_history(cubes: int, seed: int) -> dict[str, Rows]:
    """Give the rows of many runs, about 50 final datacubes each.

    Args:
        cubes: how many final datacubes, one an OB, at least 1.
        seed: the same gives the same.
    """
    random = generator(seed, "history")
    number = max(1, cubes // CUBES_A_RUN)
    runs = _runs(number, random)
    drawn = _cubes(cubes, runs, random)
    cube, start, exptime = _exposures(drawn, runs, random)
    one = _one_exposure(drawn, runs, cube, start, exptime, random=random)
    return {
        "muse_sci_single": _plain(one),
        "muse_sci_combined": _plain(_final(drawn, one, random)),
        "muse_sci_deep": _plain(_deep(drawn, one, random)),
        "sched_rep": _plain(_scheduled(runs, random)),
        "data_products": _plain(_archived(drawn, one, start)),
        "ob_grades": _plain(
            {
                "ob_id": one["ob_id"][drawn.first],
                "exec_time": _iso(start[drawn.first]),
                "run_id": one["run_id"][drawn.first],
                "grade": one["grd"][drawn.first],
                "comment": one["comm"][drawn.first],
            }
        ),
    }


def _runs(number: int, random: np.random.Generator) -> _Runs:
    """Two of three runs belong to a programme of two; those share their targets."""
    index = np.arange(number)
    programme = index - (index % 3 == 1)
    period = PERIODS.start + programme % len(PERIODS)
    letter = np.where(index % 3 == 1, "B", "A")
    run_id = [
        _run_id(int(p), int(n), str(one))
        for p, n, one in zip(period, programme, letter, strict=True)
    ]
    targets = 1 + random.poisson(4.0, number)
    targets[index % 3 == 1] = targets[programme[index % 3 == 1]]
    first = np.cumsum(targets) - targets
    mode = np.where(random.random(number) < 0.7, "SM", "VM")  # noqa: PLR2004
    return _Runs(np.array(run_id), period, mode, first[programme], targets)


def _run_id(period: int, number: int, letter: str) -> str:
    if period >= 105:  # noqa: PLR2004, the first of the new style
        return f"{period}.2{np.base_repr(number, 36):0>3}.00{'AB'.index(letter) + 1}"
    return f"0{period}.{'ABCD'[number % 4]}-{1000 + number}({letter})"


def _cubes(cubes: int, runs: _Runs, random: np.random.Generator) -> _Cubes:
    number = len(runs.run_id)
    shares = random.lognormal(0.0, 0.7, number)  # some are long
    counts = 1 + random.multinomial(cubes - number, shares / shares.sum())
    run = np.repeat(np.arange(number), counts)
    within = random.random(cubes) ** 1.5  # the first targets are the important ones
    target = runs.first_target[run] + (within * runs.targets[run]).astype(int)
    is_sky = random.random(cubes) < _SKY_SHARE
    exposures = random.choice((1, 2, 3, 4), cubes, p=(0.45, 0.3, 0.15, 0.1))
    exposures[is_sky] = 1
    exptime = random.choice((300.0, 600.0, 900.0, 1200.0, 1500.0), cubes)
    exptime[is_sky] = 120.0
    seeing = np.clip(random.lognormal(np.log(0.8), 0.25, cubes), 0.4, 2.5)
    first = np.cumsum(exposures) - exposures
    return _Cubes(run, target, exposures, first, exptime, seeing, is_sky)


def _exposures(
    cubes: _Cubes, runs: _Runs, random: np.random.Generator
) -> tuple[_Array, _Array, _Array]:
    """Give of each exposure its cube, its start (ms of UTC) and its time (s)."""
    period = runs.period[cubes.run]
    order = np.lexsort((random.random(len(period)), period))
    _, place, counts = np.unique(period[order], return_index=True, return_counts=True)
    share = np.empty(len(period))
    in_period = np.arange(len(period)) - np.repeat(place, counts)
    share[order] = in_period / np.repeat(counts, counts)
    night, moment = np.divmod(share * _NIGHTS, 1.0)
    hours = 24.0 * night + _NIGHT[0] + _NIGHT[1] * moment
    begins = _begin_of(period) + (3_600_000 * hours).astype(int)
    cube = np.repeat(np.arange(len(period)), cubes.exposures)
    number = np.arange(len(cube)) - cubes.first[cube]
    exptime = cubes.exptime[cube]
    start = begins[cube] + number * (1000 * exptime + _OVERHEAD).astype(int)
    start += random.integers(0, 1000, len(cube))
    while True:  # a start names an exposure
        in_time = np.argsort(start, kind="stable")
        same = np.diff(start[in_time]) == 0
        if not same.any():
            break
        start[in_time[1:][same]] += 1
    is_last = number == cubes.exposures[cube] - 1
    aborted = is_last & (random.random(len(cube)) < _ABORTED_SHARE)
    return cube, start, np.where(aborted, np.round(0.1 * exptime), exptime)


def _begin_of(period: _Array) -> _Array:
    """Give the midnight in which a period begins, in ms since 1970."""
    year = 2013 + (period - 92) // 2 + period % 2
    month = np.where(period % 2 == 0, 10, 4)
    months = (year - 1970).astype(int) * 12 + month - 1
    begins: _Array = months.astype("datetime64[M]").astype("datetime64[ms]")
    return begins.astype(int)


def _one_exposure(
    cubes: _Cubes,
    runs: _Runs,
    cube: _Array,
    start: _Array,
    exptime: _Array,
    *,
    random: np.random.Generator,
) -> dict[str, _Array]:
    """Describe the datacube of each exposure."""
    is_sky = cubes.is_sky[cube]
    run, target = cubes.run[cube], cubes.target[cube]
    ra, dec, names = _targets(int(target.max()) + 1, random)
    wanted = random.choice((0.6, 0.8, 1.0, 1.2), len(cubes.run))
    seen = cubes.seeing * random.normal(1.0, 0.03, len(cubes.run))
    over = np.clip(np.ceil(5.0 * (seen / wanted - 1.0)), 0, 2).astype(int)
    grade = np.array(list("ABC"))[over]
    grade[random.random(len(grade)) < 0.03] = "D"  # noqa: PLR2004, a share
    said = np.array(_COMMENTS)[random.integers(0, len(_COMMENTS), len(grade))]
    number = np.arange(len(cubes.run))
    ob_name = _join(names[cubes.target], "_", (number % 100).astype(str))
    root = _join("MUSE.", _iso(start))
    tag = np.where(is_sky, "_sky.fits", "_pst.fits")
    pipefile = _join("r.", root, tag)
    days = start / 86_400_000.0 + 40_587.0
    scatter = random.normal(size=(4, len(cube)))
    seeing = np.clip(cubes.seeing[cube] + 0.02 * scatter[0], 0.3, 3.0)
    combined = _join("r.", root[cubes.first], "_tpl.fits")[cube]
    noon = (start - 12 * 3_600_000).astype("datetime64[ms]").astype("datetime64[D]")
    empty = np.full(len(cube), "")
    return {
        "pipefile": pipefile,
        "civil_date": noon.astype(str),
        "run_id": runs.run_id[run],
        "target": names[target],
        "ob_id": _FIRST_OB + cube,
        "ob_name": ob_name[cube],
        "data_type": np.where(is_sky, "DATACUBE_SKY", "DATACUBE_SINGLE"),
        "pattern": np.where(is_sky, "S", "O"),
        "ins_mode": np.full(len(cube), INSTRUMENT_MODE),
        "mjd_obs": np.round(days, 8),
        "mjd_end": np.round(days + exptime / 86_400.0, 8),
        "n_frames": np.ones(len(cube), int),
        "exptime": exptime,
        "texptime": exptime,
        "ra": np.round(ra[target] + scatter[1] / 3600.0, 6),
        "dec": np.round(dec[target] + scatter[2] / 3600.0, 6),
        "tel_targ_alpha": ra[target],
        "tel_targ_delta": dec[target],
        "ambi_req": wanted[cube],
        "sky_res": np.where(is_sky, np.nan, np.round(seeing, 3)),
        "sgs_x_med": np.round(0.95 * seeing, 3),
        "abmaglim": _limit(exptime, seeing),
        "pixnoise": _noise(exptime),
        "num_sat": np.zeros(len(cube), int),
        "wdel_max": np.round(0.03 + 0.005 * np.abs(scatter[3]), 4),
        "num_src": np.where(is_sky, 0, random.poisson(20.0, len(cube))),
        "histo_bkg": np.round(2.0 * scatter[3], 2),
        "lshift_max": np.round(0.02 * np.abs(scatter[2]), 4),
        "grd": grade[cube],
        "comm": said[cube],
        "qc_plot": empty,
        "fov_plot": empty,
        "score_bit": empty,
        "raw_file": root,
        "combined": np.where(cubes.exposures[cube] > 1, combined, ""),
    }


def _targets(number: int, random: np.random.Generator) -> tuple[_Array, _Array, _Array]:
    """Give right ascension, declination (degrees) and the names of targets."""
    ra = np.round(random.uniform(0.0, 360.0, number), 6)
    sine = random.uniform(-1.0, np.sin(np.radians(20.0)), number)
    dec = np.round(np.degrees(np.arcsin(sine)), 6)
    catalogue = np.array(_CATALOGUES)[np.arange(number) % len(_CATALOGUES)]
    return ra, dec, _join(catalogue, "-", (1000 + np.arange(number)).astype(str))


def _final(
    cubes: _Cubes, one: dict[str, _Array], random: np.random.Generator
) -> dict[str, _Array]:
    """Describe the final datacube of each OB: the only one, or all combined."""
    several = cubes.exposures > 1
    first, last = cubes.first, cubes.first + cubes.exposures - 1
    final = {name: values[first] for name, values in one.items()}
    time = np.add.reduceat(one["exptime"], first)
    objects = np.array(["", "O", "OO", "OOO", "OOOO"])[cubes.exposures]
    return {
        **final,
        "pipefile": np.where(several, final["combined"], final["pipefile"]),
        "data_type": np.where(several, "DATACUBE_COMBINED", final["data_type"]),
        "pattern": np.where(several, objects, final["pattern"]),
        "mjd_end": one["mjd_end"][last],
        "n_frames": cubes.exposures,
        "texptime": time,
        "abmaglim": _limit(time, cubes.seeing),
        "pixnoise": _noise(time),
        "rms": np.where(
            several, np.round(random.uniform(0.01, 0.06, len(time)), 4), np.nan
        ),
        "n_match": np.where(several, final["num_src"].astype(float), np.nan),
    }


def _deep(
    cubes: _Cubes, one: dict[str, _Array], random: np.random.Generator
) -> dict[str, _Array]:
    """Describe the deep datacubes of runs that are done: a target with two OBs."""
    cube = one["ob_id"] - _FIRST_OB
    run, target = cubes.run[cube], cubes.target[cube]
    done = random.random(int(cubes.run.max()) + 1) < _DEEP_SHARE
    chosen = np.flatnonzero(done[run] & (one["pattern"] == "O"))
    group = run.astype(np.int64) * (int(target.max()) + 1) + target
    order = chosen[np.lexsort((one["mjd_obs"][chosen], group[chosen]))]
    _, first, number = np.unique(group[order], return_index=True, return_counts=True)
    begins = np.zeros(len(cube), int)
    begins[cubes.first] = 1
    blocks = _sums(begins[order], first)
    time = _sums(one["exptime"][order], first)
    seeing = _sums(one["sky_res"][order], first) / number
    deep = blocks > 1
    row, last = order[first[deep]], order[(first + number - 1)[deep]]
    count, size = number[deep], int(deep.sum())
    return {
        **{name: values[row] for name, values in one.items()},
        "pipefile": _join("r.", one["raw_file"][row], "_dpc.fits"),
        "data_type": np.full(size, "DATACUBE_DEEP"),
        "pattern": _join("DEEP_", count.astype(str)),
        "mjd_end": one["mjd_end"][last],
        "n_frames": count,
        "texptime": time[deep],
        "sky_res": np.round(seeing[deep], 3),
        "abmaglim": _limit(time[deep], seeing[deep]),
        "pixnoise": _noise(time[deep]),
        "rms": np.round(random.uniform(0.01, 0.06, size), 4),
        "n_match": one["num_src"][row].astype(float),
        "n_obs": blocks[deep],
        "proc_mode": np.full(size, ""),
        "depth_gain": np.round(1.25 * np.log10(count), 2),
    }


def _sums(values: _Array, first: _Array) -> _Array:
    """Sum up the values of each group; groups begin at these places."""
    total = np.concatenate([[0], np.cumsum(values)])
    sums: _Array = np.diff(total[np.append(first, len(values))])
    return sums


def _scheduled(runs: _Runs, random: np.random.Generator) -> dict[str, _Array]:
    """Give the schedule: a line a run, and one more where it was carried over."""
    number = len(runs.run_id)
    kinds = ("COMPLETE", "TERMINATED", "CARRY-OVER", "OPEN")
    status = random.choice(kinds, number, p=(0.7, 0.12, 0.08, 0.1))
    kind = random.choice(
        ("Normal", "Large", "GTO", "DDT"), number, p=(0.75, 0.08, 0.15, 0.02)
    )
    carried = np.flatnonzero(status == "CARRY-OVER")
    run = np.concatenate([np.arange(number), carried])
    is_later = np.arange(len(run)) >= number
    text = np.char.mod("Programme %d of the simulated past", np.arange(number))
    return {
        "run_id": runs.run_id[run],
        "period": runs.period[run] + is_later,
        "obs_mode": runs.mode[run],
        "status": np.where(is_later, "OPEN", status[run]),
        "prog_type": kind[run],
        "pi_coi": np.char.mod("Investigator %d", run % 97),
        "title": text[run],
        "abstract": text[run],
        "remarks": np.where(is_later, "carried over", ""),
    }


def _archived(
    cubes: _Cubes, one: dict[str, _Array], start: _Array
) -> dict[str, _Array]:
    """Describe the raw files; a few runs have one of the next day, not processed."""
    number = len(start)
    _, first = np.unique(cubes.run[::-1], return_index=True)
    last = cubes.first[len(cubes.run) - 1 - first][_PENDING::_PENDING_OF]
    taken = np.concatenate([np.arange(number), last])
    is_late = np.arange(len(taken)) >= number
    late = start[taken] + is_late * 86_400_000
    is_sky = one["pattern"][taken] == "S"
    same = ("run_id", "ob_id", "ob_name", "ins_mode", "exptime", "ra", "dec")
    return {
        **{name: one[name][taken] for name in same},
        "dp_id": _join("MUSE.", _iso(late)),
        "instrument": np.full(len(taken), "MUSE"),
        "object": one["target"][taken],
        "dpr_catg": np.full(len(taken), "SCIENCE"),
        "dpr_type": np.where(is_sky, "SKY", "OBJECT"),
        "mjd_obs": np.round(one["mjd_obs"][taken] + is_late, 8),
    }


def _limit(time: _Array, seeing: _Array) -> _Array:
    gain = 1.25 * np.log10(time / REFERENCE_TIME)
    loss = 2.5 * np.log10(seeing / REFERENCE_SEEING)
    limit: _Array = np.round(LIMIT + gain - loss, 2)
    return limit


def _noise(time: _Array) -> _Array:
    noise: _Array = np.round(NOISE / np.sqrt(time / REFERENCE_TIME), 23)
    return noise


def _iso(start: _Array) -> _Array:
    text: _Array = np.datetime_as_string(start.astype("datetime64[ms]"))
    return text


def _join(*parts: _Array | str) -> _Array:
    joined: Any = parts[0]
    for part in parts[1:]:
        joined = np.char.add(joined, part)
    whole: _Array = joined
    return whole


def _plain(columns: dict[str, _Array]) -> Rows:
    """Turn arrays into what is written; NaN is not known, whole numbers have no dot."""
    plain = {name: values.tolist() for name, values in columns.items()}
    for name in plain.keys() & {"sky_res", "rms", "n_match"}:
        whole = int if name == "n_match" else float
        plain[name] = [None if np.isnan(v) else whole(v) for v in plain[name]]
    return plain
