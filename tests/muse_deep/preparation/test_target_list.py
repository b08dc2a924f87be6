"""The target list: made once, then a person's; what is edited is what is combined."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muse_deep_plugin.preparation.datacubes import (
    Datacube,
    final_datacubes,
    single_datacubes,
)
from muse_deep_plugin.preparation.list_advice import advice_lines, selections
from muse_deep_plugin.preparation.list_remarks import only_together, remarks
from muse_deep_plugin.preparation.offer_targets import (
    new_list_text,
    update_target_list,
)
from muse_deep_plugin.preparation.target_list import (
    combined,
    list_path,
    read_target_list,
)
from phoenix_core.errors import ConfigError
from phoenix_core.words.plain_text import plain
from phoenix_core.words.text_table import quoted

RUN = "094.D-0114(B)"
MASTER, SLAVE = "094.A-0116(B)", "095.A-0118(A)"
TODAY = "2026-11-27"


def known(history, *runs):
    with history.connect() as connection:
        return final_datacubes(connection, runs), single_datacubes(connection, runs)


@pytest.fixture
def busy_history(history, visit):
    """The history with an OB that was executed twice in a night."""
    for hour in ("01", "04"):
        start = f"2014-10-25T{hour}:00:00.5"
        history.observe(visit(RUN, "Twice", 1090500, start, 20.0, -20.0))
    return history


def updated(history, *runs):
    """The list of a run (or of a MASTER and its SLAVES), as phoenix_getInfoRun does."""
    path = list_path(history.folder, runs[0])
    return update_target_list(path, runs[0], *known(history, *runs), TODAY)


def edit(found, old, new, count=1):
    text = found.path.read_text("utf-8")
    assert old in text
    found.path.write_text(text.replace(old, new, count), "utf-8")
    return read_target_list(found.path)


def refused(found, old, new, count=1):
    with pytest.raises(ConfigError) as error:
        edit(found, old, new, count)
    return str(error.value).replace(f"{found.path}", "list")


def line_of(found, pipefile):
    (line,) = (
        line for line in found.path.read_text("utf-8").split("\n") if pipefile in line
    )
    return line


NGC300_2 = "r.MUSE.2014-10-24T01:30:10.456_tpl.fits"
ABORTED = "r.MUSE.2014-10-24T01:45:20.702_pst.fits"


def test_a_new_list_selects_targets_of_two_datacubes(history):
    found = updated(history, RUN)
    assert found.path.name == "094.D-0114B.txt"
    assert {name: len(files) for name, files in found.selected().items()} == {
        "Abell 370": 8,
        "NGC300": 5,
    }
    hidden = {e.target for e in found.entries if not e.is_selected} - {"-"}
    assert hidden == {"HDFS", "HDF-S", "Lonely"}
    assert all(name.endswith("_pst.fits") for name in found.selected()["NGC300"])
    assert not [e for e in found.entries if "SKY" in e.data_type]


def test_targets_are_separated_by_a_blank_line(history):
    text = updated(history, RUN).path.read_text("utf-8")
    blocks = [block for block in text.split("\n\n")[1:] if block.strip()]
    names = [set(re.findall(r"fits +(\"[^\"]+\"|[^ -]\S*)", block)) for block in blocks]
    assert [len(found) for found in names] == [1] * 5


def test_one_exposure_is_dropped_by_commenting_it(history):
    found = updated(history, RUN)
    line = line_of(found, ABORTED)
    after = edit(found, line, f"#{line}")
    assert set(found.selected()["NGC300"]) - set(after.selected()["NGC300"]) == {
        ABORTED
    }


def test_a_datacube_is_dropped_with_its_exposures(history):
    found = updated(history, RUN)
    line = line_of(found, NGC300_2)
    after = edit(found, line, f"# {line}")
    assert len(after.selected()["NGC300"]) == 2


def test_one_target_is_split_into_two(history):
    found = updated(history, RUN)
    for night, name in (("18", "A370_P1"), ("19", "A370_P1"), ("20", "A370_P2")):
        line = line_of(found, f"2014-11-{night}T02:00:00.001_tpl")
        found = edit(found, line, line.replace('"Abell 370"', name, 1))
    sizes = {name: len(files) for name, files in found.selected().items()}
    assert sizes == {"A370_P1": 4, "A370_P2": 2, "Abell 370": 2, "NGC300": 5}


def test_two_names_are_joined_into_one(history):
    found = updated(history, RUN)
    text = found.path.read_text("utf-8").replace(" HDF-S ", " HDFS  ")
    lines = (
        line[1:] if re.match(r"# +2014.* \"?HDF-?S", line) else line
        for line in text.split("\n")
    )
    found.path.write_text("\n".join(lines), "utf-8")
    found = read_target_list(found.path)
    assert len(found.selected()["HDFS"]) == 4


def test_an_exposure_can_be_put_into_a_target_of_its_own(history):
    found = updated(history, RUN)
    line = line_of(found, ABORTED)
    after = edit(found, line, line.replace("fits  - ", "fits  Short ", 1))
    assert after.selected()["Short"] == (ABORTED,)
    assert ABORTED not in after.selected()["NGC300"]
    assert "Short has exposures of one OB only" in remarks(after)[0]
    number = after.path.read_text("utf-8").split("\n").index(line_of(after, ABORTED))
    assert f", line {number + 1}: " in remarks(after)[0]
    assert remarks(found) == ()


def test_a_datacube_without_lines_for_its_exposures_stands_for_itself(history):
    found = updated(history, RUN)
    for line in found.path.read_text("utf-8").split("\n"):
        if re.match(r"#? +2014-10-23 .*_pst.fits", line):
            found = edit(found, f"{line}\n", "")
    assert NGC300_2 in found.selected()["NGC300"]
    text = found.path.read_text("utf-8")
    assert updated(history, RUN).path.read_text("utf-8") == text


def test_an_ob_executed_twice_in_a_night_keeps_its_exposures_apart(busy_history):
    found = updated(busy_history, RUN)
    first = line_of(found, "r.MUSE.2014-10-25T01:00:00.500_tpl")
    after = edit(found, first, f"#{first}")
    assert after.selected()["Twice"] == (
        "r.MUSE.2014-10-25T04:00:00.500_pst.fits",
        "r.MUSE.2014-10-25T04:11:35.623_pst.fits",
    )


def test_exposures_of_a_deleted_datacube_do_not_join_another_one(busy_history):
    found = updated(busy_history, RUN)
    said = refused(found, line_of(found, "r.MUSE.2014-10-25T04:00:00.500_tpl"), "")
    told = "is more than the OO of r.MUSE.2014-10-25T01:00:00.500_tpl.fits"
    assert said.count(told) == 2


def test_exposures_that_contradict_their_datacube_are_not_listed(history):
    cubes, exposures = known(history, RUN)
    odd = [evolve(cube, pattern="OS") for cube in cubes]
    path = list_path(history.folder, RUN)
    found = update_target_list(path, RUN, odd, exposures, TODAY)
    assert NGC300_2 in found.selected()["NGC300"]
    told = f"# {NGC300_2}: its exposures are not listed, the database contradicts"
    assert told in path.read_text("utf-8")


def test_datacubes_that_were_grouped_anew_do_not_change_what_is_selected(history):
    found = updated(history, RUN)
    cubes, exposures = known(history, RUN)
    (whole,) = (cube for cube in cubes if cube.pipefile == NGC300_2)
    part = evolve(whole, pipefile=ABORTED.replace("_pst", "_tpl"))
    after = update_target_list(found.path, RUN, [*cubes, part], exposures, TODAY)
    assert after.selected() == found.selected()
    text = after.path.read_text("utf-8")
    assert (
        f"left out, since it would change what is selected:\n#   {part.pipefile}"
        in text
    )
    again = update_target_list(found.path, RUN, [*cubes, part], exposures, TODAY)
    assert again.path.read_text("utf-8") == text


def test_a_list_is_not_rewritten_and_new_datacubes_are_offered_at_its_end(
    history, visit
):
    found = updated(history, RUN)
    found = edit(found, "094.D-0114(B)", "094.D-0114B\t", 7)
    before = found.path.read_bytes()
    assert updated(history, RUN) == found
    assert found.path.read_bytes() == before
    history.observe(
        visit(RUN, "NGC300", 1090099, "2015-01-01T01:00:00.5", 13.7229, -37.6844)
    )
    after = updated(history, RUN)
    assert after.path.read_bytes().startswith(before)
    assert after.selected() == found.selected()
    added = after.path.read_text("utf-8")[len(before.decode()) :]
    assert added.startswith(f"\n# new on {TODAY}\n")
    assert "r.MUSE.2015-01-01T01:00:00.500_tpl.fits" in added
    assert all(line.startswith("#") for line in added.split("\n") if line)
    again = after.path.read_bytes()
    updated(history, RUN)
    assert again == after.path.read_bytes()


def test_a_list_saved_by_an_editor_of_another_system_goes_on(history, visit):
    found = updated(history, RUN)
    text = found.path.read_text("utf-8").rstrip("\n").replace("\n", "\r\n")
    content = f"\N{BYTE ORDER MARK}{text}".encode()
    found.path.write_bytes(content)
    history.observe(
        visit(RUN, "NGC300", 1090099, "2015-01-01T01:00:00.5", 13.7229, -37.6844)
    )
    after = updated(history, RUN)
    assert after.path.read_bytes().startswith(content)
    assert after.selected() == found.selected()
    assert len(after.entries) == len(found.entries) + 3


def test_what_is_offered_is_selected_by_uncommenting_it(history, visit):
    updated(history, RUN)
    history.observe(
        visit(RUN, "NGC300", 1090099, "2015-01-01T01:00:00.5", 13.7229, -37.6844)
    )
    found = updated(history, RUN)
    for name in ("00.500_tpl", "00.500_pst", "35.623_pst"):
        line = line_of(found, f"2015-01-01T01:{'11' if '35' in name else '00'}:{name}")
        text = found.path.read_text("utf-8").replace(line, line[1:])
        found.path.write_text(text, "utf-8")
    assert len(read_target_list(found.path).selected()["NGC300"]) == 7


def test_a_new_datacube_is_told_to_be_the_pointing_of_a_renamed_target(history, visit):
    found = updated(history, RUN)
    for night in ("18", "19"):
        line = line_of(found, f"2014-11-{night}T02:00:00.001_tpl")
        edit(found, line, line.replace('"Abell 370"', "A370_P1", 1))
    history.observe(
        visit(RUN, "Abell 370", 1090098, "2015-01-02T01:00:00.5", 39.97, -1.58)
    )
    text = updated(history, RUN).path.read_text("utf-8")
    assert "# Abell 370: the pointing of A370_P1 (0.0 arcsec)" in text


def test_the_list_of_a_master_has_the_datacubes_of_its_slaves(history):
    found = updated(history, MASTER, SLAVE)
    assert len(found.selected()["UDF-10"]) == 4
    (together,) = only_together(found)
    assert (together.target, together.runs) == ("UDF-10", (MASTER, SLAVE))
    assert together.hidden == ()


def test_targets_that_only_together_have_two_datacubes_are_pointed_out(history):
    lists = updated(history, MASTER), updated(history, SLAVE)
    assert "UDF-10" not in {**lists[0].selected(), **lists[1].selected()}
    both = combined(lists[0], lists[1:])
    (together,) = only_together(both)
    assert together.target == "UDF-10"
    assert [entry.run_id for entry in together.hidden] == [MASTER] * 3 + [SLAVE] * 3
    # The MASTER's list, made before, is offered those of the SLAVE.
    found = updated(history, MASTER, SLAVE)
    assert [one.target for one in only_together(found)] == ["UDF-10"]
    assert combined(found, lists[1:]).entries == found.entries


# Mistakes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"Abell 370"', "Abell 370", "are values with blanks in double quotes?"),
        ('"Abell 370"', '"Abell 370', "TARGET"),
        ('"Abell 370"', '""', "TARGET is empty; expected a name"),
        ('"Abell 370"', "-", "TARGET is -, which only an exposure can have"),
        ("DATACUBE_COMBINED", "DATACUBE_COMBIND", "did you mean 'DATACUBE_COMBINED'?"),
        ("DATACUBE_COMBINED", "DATACUBE_SKY_COMB", "SKY comes along by itself"),
        ("2014-11-17 ", "2014-11-37 ", "CIVIL_DATE is '2014-11-37'; expected a date"),
        ("r.MUSE.2014-11-18T02", "../r.MUSE.2014-11-18T02", "PIPEFILE is '../r.MUSE"),
        (" 1200 ", " 12oo ", "TEXPTIME is '12oo'; expected a number or -"),
        (" 0.04 ", " ", "RMS is 'A'; expected a number or -"),
        ("094.D-0114(B)  r", "094.D-114(B)  r", "RUN_ID: '094.D-114(B)' is no run id"),
    ],
)
def test_a_line_that_is_not_clear_is_refused(history, old, new, told):
    found = updated(history, RUN)
    line = line_of(found, "2014-11-18T02:00:00.001_tpl")
    number = found.path.read_text("utf-8").split("\n").index(line) + 1
    said = refused(found, line, line.replace(old, new, 1))
    assert said.startswith(f"list, line {number}: ")
    assert told in said


def test_a_datacube_without_any_exposure_is_refused(history):
    found = updated(history, RUN)
    text = found.path.read_text("utf-8")
    members = [li for li in text.split("\n") if "2014-10-23 " in li and " - " in li]
    members = [line for line in members if "NGC300" in line]
    assert len(members) == 3
    edited = text
    for line in members:
        edited = edited.replace(line, f"#{line}")
    said = refused(found, text, edited)
    assert f"{NGC300_2} is selected, but no exposure with it" in said


def test_an_exposure_without_its_datacube_is_refused(history):
    found = updated(history, RUN)
    said = refused(found, line_of(found, NGC300_2), "")
    assert said.count("is not in the list; write a name in place of TARGET -") == 3


def test_a_datacube_that_begins_after_its_exposures_is_asked_for(history):
    found = updated(history, RUN)
    line = line_of(found, NGC300_2)
    number = found.path.read_text("utf-8").split("\n").index(line) + 1
    said = refused(found, line, line.replace("10.456_tpl", "10.465_tpl"))
    assert said.count(f"is PIPEFILE of line {number} mistyped? It begins later") == 1
    wrong = line.replace("10.456_tpl", "10.465_tpl")
    said = refused(found, wrong, line.replace("1090002", "1090020", 1))
    assert f"is RUN_ID, OB_ID or CIVIL_DATE of line {number} mistyped?" in said


def test_pointings_of_one_name_are_told_in_each_line(history):
    found = updated(history, RUN)
    places = {e.pipefile[7:17]: e.comm for e in found.entries if "11-" in e.pipefile}
    assert {night: comm[:2] for night, comm in places.items()} == {
        "2014-11-18": "P1",
        "2014-11-19": "P1",
        "2014-11-20": "P2",
        "2014-11-21": "P2",
        "2014-11-22": "",
    }
    text = found.path.read_text("utf-8")
    assert "P2 39.97000 -1.56750 (2 datacubes: 2014-11-20T02:00:00.001, " in text


def test_an_offer_is_judged_with_what_the_list_selects_now(history, visit):
    found = updated(history, RUN)
    line = line_of(found, ABORTED)
    found = edit(found, line, f"#{line}")
    before = found.path.read_text("utf-8")
    history.observe(
        visit(RUN, "NGC300", 1090099, "2015-01-01T01:00:00.5", 13.7229, -37.6844)
    )
    added = updated(history, RUN).path.read_text("utf-8")[len(before) :]
    assert "# NGC300: 3 datacubes, 3600 s; combining gains 0.60 mag" in added


def test_what_is_selected_now_is_told(history):
    found = updated(history, RUN)
    text = "\n".join(advice_lines(selections(found, *known(history, RUN))))
    assert "NGC300: 2 datacubes, 2460 s; combining gains 0.36 mag" in text
    assert f"NGC300: {ABORTED}: proposal: drop, 60 s of 600 s" in text
    assert "HDFS" not in text
    line = line_of(found, ABORTED)
    found = edit(found, line, f"#{line}")
    text = "\n".join(advice_lines(selections(found, *known(history, RUN))))
    assert "NGC300: 2 datacubes, 2400 s; combining gains 0.38 mag" in text
    assert ABORTED not in text


def test_targets_that_begin_with_one_exposure_are_pointed_out(history):
    found = updated(history, RUN)
    line = line_of(found, "2014-10-23T01:10:32.123_tpl")
    found = edit(found, line, f"{line}\n{line.replace('NGC300 ', 'Other  ', 1)}")
    told = [one for one in remarks(found) if "begin with the same exposure" in one]
    assert len(told) == 1
    assert "NGC300 and Other begin with" in told[0]


def test_a_name_that_is_a_path_is_pointed_out(history):
    found = updated(history, RUN)
    found = edit(found, " NGC300 ", " ../NGC ")
    assert any("TARGET '../NGC' is no name for ABs" in one for one in remarks(found))


def test_a_datacube_twice_in_a_target_is_refused_and_in_two_is_not(history):
    found = updated(history, RUN)
    line = line_of(found, NGC300_2)
    first = found.path.read_text("utf-8").split("\n").index(line) + 1
    said = refused(found, line, f"{line}\n{line}")
    assert f"stands in NGC300 on line {first} already" in said
    copy = line.replace(" NGC300 ", " Both ", 1)
    after = edit(found, f"{line}\n{line}", f"{line}\n{copy}")
    assert len(after.selected()["Both"]) == 3
    assert len(after.selected()["NGC300"]) == 5


def test_a_list_with_mistakes_is_left_as_it_is(history, visit):
    found = updated(history, RUN)
    text = found.path.read_text("utf-8").replace('"Abell 370"', "Abell 370")
    found.path.write_text(text, "utf-8")
    history.observe(
        visit(RUN, "NGC300", 1090099, "2015-01-01T01:00:00.5", 13.7229, -37.6844)
    )
    with pytest.raises(ConfigError):
        updated(history, RUN)
    assert found.path.read_text("utf-8") == text


def test_hostile_values_of_the_database_cannot_break_a_list(tmp_path):
    nasty = 'x"\n2014-10-23 094.D-0114(B) r.MUSE.2014-10-23T01:00:00_pst.fits # \\'
    cube = Datacube(
        "r.MUSE.2014-10-23T01:10:32.123_pst.fits",
        civil_date="2014-10-22",
        run_id=RUN,
        target=nasty,
        ob_name=nasty,
        data_type="DATACUBE_SINGLE",
        pattern=nasty,
        comm=nasty,
    )
    bad = [
        evolve(cube, pipefile="../../r.x.fits\n2014"),
        evolve(cube, pipefile="r.MUSE.2014-10-24T01:10:32.123_pst.fits"),
        evolve(cube, pipefile="r.MUSE.2014-10-25T01:10:32.123_pst.fits", target="-"),
        evolve(cube, pipefile="r.MUSE.2014-10-26T01:10:32.123_pst.fits", grd="<b>"),
    ]
    path = tmp_path / "list.txt"
    found = update_target_list(path, RUN, [cube, *bad], [], TODAY)
    assert {name: len(files) for name, files in found.selected().items()} == {
        " ".join(nasty.split()): 2
    }
    assert path.read_text("utf-8").count("# left out") == 2


MOMENTS = st.builds(
    "2014-10-{:02}T0{}:00:00.000".format, st.integers(23, 24), st.integers(0, 9)
)
CUBES = st.lists(
    st.builds(
        Datacube,
        st.builds("r.MUSE.{}_tpl.fits".format, MOMENTS),
        civil_date=st.sampled_from(["2014-10-22", "2014-10-23", "soon"]),
        run_id=st.sampled_from([RUN, "094.D-0114B", "x"]),
        target=st.sampled_from(["A", "B", "-", "", 'c "d" #']) | st.text(max_size=4),
        ob_id=st.sampled_from([1, 2, None]),
        ob_name=st.text(max_size=4),
        data_type=st.sampled_from(["DATACUBE_COMBINED", "DATACUBE_SINGLE"]),
        pattern=st.sampled_from(["OO", "OSO", "S", "", "x y"]),
        texptime=st.none() | st.floats(),
        ra=st.none() | st.floats(),
        dec=st.none() | st.floats(-90, 90),
        histo_bkg=st.none() | st.floats(),
        grd=st.sampled_from(["A", "C", ""]),
        comm=st.text(max_size=4),
    ),
    max_size=6,
    unique_by=lambda cube: cube.pipefile,
)


@settings(deadline=None, max_examples=300)
@given(CUBES, CUBES, st.data())
def test_whatever_the_database_holds_makes_a_list_that_can_be_read(
    tmp_path_factory, cubes, others, data
):
    exposures = [
        evolve(
            cube,
            pipefile=cube.pipefile.replace("_tpl", "_pst"),
            data_type="DATACUBE_SINGLE",
            combined=data.draw(st.sampled_from([c.pipefile for c in cubes] or [""])),
        )
        for cube in others
    ]
    path = tmp_path_factory.mktemp("any") / "list.txt"
    found = update_target_list(path, RUN, cubes, exposures, TODAY)
    text = path.read_text("utf-8")
    assert all(cube.pipefile in text for cube in cubes)
    assert set(found.selected()) <= {
        "unnamed" if name in {"", "-"} else name
        for name in (plain(cube.target) for cube in cubes)
    }
    update_target_list(path, RUN, cubes, exposures, TODAY)
    assert path.read_text("utf-8").startswith(text)


# Any edit ---------------------------------------------------------------------------

NAMES = st.sampled_from(["NGC300", "NGC 300 P2", "A#1", 'the "core"', "P2", "-1"])
SPACES = st.sampled_from(["  ", " ", "\t", " \t  "])
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["toggle", "name", "move", "copy", "delete"]),
        st.integers(0, 30),
        st.integers(0, 30),
        NAMES,
    ),
    max_size=8,
)


class Line:
    """A line of the model: what a person sees of it."""

    def __init__(self, values, is_selected, cube):
        self.values, self.is_selected, self.cube = list(values), is_selected, cube


def model_of(history):
    """The lines of a new list, each exposure with its datacube, out of the database."""
    cubes, exposures = known(history, RUN)
    owner = {e.pipefile: e.combined for e in exposures if e.combined}
    found = update_target_list(
        list_path(history.folder, RUN), RUN, cubes, exposures, TODAY
    )
    lines = []
    for entry in found.entries:
        text = found.path.read_text("utf-8").split("\n")[entry.line - 1]
        values = re.findall(r'"(?:[^"\\]|\\.)*"|\S+', text.lstrip("# "))
        cube = owner.get(entry.pipefile, "")
        lines.append(Line(values, entry.is_selected, cube))
    return found.path, lines


def apply(lines, edits):
    """Edit the model as a person edits a list."""
    for what, one, other, name in edits:
        if not lines:
            return
        here = lines[one % len(lines)]
        if what == "toggle":
            here.is_selected = not here.is_selected
        elif what == "name":
            here.values[3] = quoted(name)
        elif what == "move":
            lines.remove(here)
            lines.insert(other % (len(lines) + 1), here)
        elif what == "copy":
            copy = Line(here.values, here.is_selected, here.cube)
            copy.values[3] = quoted(name)
            lines.insert(other % (len(lines) + 1), copy)
        else:
            lines.remove(here)


def owner_of(line, by_cube):
    """The datacube of an exposure, or of its OB and night the last one before it."""
    if line.cube in by_cube:
        return line.cube
    visit = (line.values[0], line.values[1], line.values[4])
    others = [
        name
        for name, (cube, *_) in by_cube.items()
        if (cube.values[0], cube.values[1], cube.values[4]) == visit
        and name < line.values[2].replace("_pst", "_tpl")
    ]
    return max(others, default="")


def has_too_many(lines, by_cube):
    """Give each exposure its datacube; whether one has more than its pattern says."""
    linked = {}
    for line in sorted(lines, key=lambda line: line.values[2]):
        if not line.cube:
            continue
        line.cube = owner_of(line, by_cube)
        found = linked.setdefault(line.cube, set())
        found.add(line.values[2])
        if line.cube and line.is_selected and line.values[3] == "-":
            (cube, *_) = by_cube[line.cube]
            if len(found) > cube.values[7].count("O"):
                return True
    return False


def uses_of(line, lines, by_cube):
    """Where a selected line goes: targets, or None where it contradicts others."""
    name, pipefile = line.values[3], line.values[2]
    if name == "-":
        owners = by_cube.get(line.cube)
        return owners and [cube.values[3] for cube in owners if cube.is_selected]
    members = [other for other in lines if other.cube == pipefile]
    if not members:
        return [name]
    kept = [one for one in members if one.is_selected and one.values[3] == "-"]
    return [] if kept else None


def meant(lines):
    """What such lines mean, or None where they contradict each other."""
    by_cube = {}
    for line in lines:
        if line.values[6] == "DATACUBE_COMBINED":
            by_cube.setdefault(line.values[2], []).append(line)
    if has_too_many(lines, by_cube):
        return None
    uses, named = [], []
    for line in lines:
        if line.is_selected:
            targets = uses_of(line, lines, by_cube)
            if targets is None:
                return None
            uses += [(target, line.values[2]) for target in targets]
            if line.values[3] != "-":
                named.append((line.values[3], line.values[2]))
    is_twice = any(len(set(pairs)) < len(pairs) for pairs in (uses, named))
    return None if is_twice else set(uses)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=150,
)
@given(edits=EDITS, gap=SPACES, end=st.sampled_from(["\n", "\r\n"]), data=st.data())
def test_any_edit_is_read_as_meant_or_refused_by_line(
    busy_history, edits, gap, end, data
):
    history = busy_history
    list_path(history.folder, RUN).unlink(missing_ok=True)
    path, lines = model_of(history)
    apply(lines, edits)
    text = end.join(
        ("" if line.is_selected else data.draw(st.sampled_from(["#", "# ", " ## "])))
        + gap.join(line.values)
        for line in lines
    )
    path.write_bytes(text.encode())
    expected = meant(lines)
    if expected is None:
        with pytest.raises(ConfigError, match=r"list|line \d+: "):
            read_target_list(path)
    else:
        found = read_target_list(path).selected()
        pairs = {
            (quoted(name), file) for name, files in found.items() for file in files
        }
        assert pairs == expected
        after = updated(history, RUN)
        assert after.selected() == found
        assert updated(history, RUN) == after
    assert path.read_bytes().startswith(text.encode())


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=100,
)
@given(at=st.integers(0, 8000), cut=st.integers(0, 40), typed=st.text(max_size=5))
def test_anything_typed_anywhere_is_read_or_refused_and_never_changed(
    history, at, cut, typed
):
    path = list_path(history.folder, RUN)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = new_list_text(RUN, *known(history, RUN), TODAY)
    edited = text[:at] + typed + text[at + cut :]
    content = edited.encode("utf-8", "surrogatepass")
    path.write_bytes(content)
    try:
        before = read_target_list(path)
        assert updated(history, RUN).selected() == before.selected()
    except ConfigError as error:
        assert path.read_bytes() == content
        for told in str(error).split("\n"):
            assert told.startswith(f"{path}")
    assert path.read_bytes().startswith(content)


# Several at a time, and killed ------------------------------------------------------


def test_several_calls_at_a_time_offer_once(history, visit):
    updated(history, RUN)
    history.observe(
        visit(RUN, "NGC300", 1090099, "2015-01-01T01:00:00.5", 13.7229, -37.6844)
    )
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: updated(history, RUN), range(8)))
    text = list_path(history.folder, RUN).read_text("utf-8")
    assert text.count("# new on") == 1


GROW = """
import sys
from pathlib import Path
from attrs import evolve
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.offer_targets import update_target_list

cubes = []
for night in range(1, 28):
    name = f"r.MUSE.2014-10-{night:02}T01:00:00.000_pst.fits"
    cubes.append(Datacube(name, f"2014-10-{night:02}", "094.D-0114(B)", "NGC300",
                          data_type="DATACUBE_SINGLE"))
    if night > 2:
        update_target_list(Path(sys.argv[1]), "094.D-0114(B)", cubes, [], "2026-11-27")
        print(night, flush=True)
"""


@pytest.mark.parametrize("night", [3, 9, 20])
def test_a_call_killed_at_any_moment_leaves_whole_lines(tmp_path, night):
    path = tmp_path / "list.txt"
    with subprocess.Popen(
        [sys.executable, "-c", GROW, path], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if int(line) == night:
                process.kill()
                break
    text = path.read_text("utf-8")
    assert text.endswith("\n")
    found = read_target_list(path)
    assert len(found.entries) >= night
    assert len(found.selected()["NGC300"]) == 3
    assert text.count("r.MUSE.") == len(found.entries)
    assert not list(Path(tmp_path).glob("*.tmp"))
