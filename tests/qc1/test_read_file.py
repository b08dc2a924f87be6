"""Files of rows are read as their tables have them, or refused by line."""

import csv

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.read_file import read_rows

HEAD = "name,number,comment,counts,ra\n"


def written(tmp_path, text, name="stars.csv"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def columns(**given):
    return {key: list(values) for key, values in given.items()}


def test_a_file_is_read_as_the_columns_of_the_table(tmp_path, stars):
    text = 'RA,Name,number\n1.5,"HD, 1",1\n,007,2\n'
    found = read_rows(written(tmp_path, text), stars)
    assert columns(**found) == {
        "name": ["HD, 1", "007"],
        "number": [1, 2],
        "comment": ["", ""],
        "counts": [None, None],
        "ra": [1.5, None],
    }


def test_a_file_without_rows_has_none(tmp_path, stars):
    found = read_rows(written(tmp_path, HEAD), stars)
    assert {len(values) for values in found.values()} == {0}


@pytest.mark.parametrize("suffix", ["ecsv", "xml", "vot"])
def test_what_astropy_writes_is_read(tmp_path, stars, suffix):
    table = Table(
        {
            "name": ["HD 1", "Bäcklund"],
            "number": [1, 2],
            "comment": ["", "a, b"],
            "counts": np.ma.array([5, 0], mask=[False, True]),
            "ra": [5400.0, np.nan],
        },
        units={"ra": "arcsec"},
    )
    path = tmp_path / f"stars.{suffix}"
    table.write(path, format="ascii.ecsv" if suffix == "ecsv" else "votable")
    assert columns(**read_rows(path, stars)) == {
        "name": ["HD 1", "Bäcklund"],
        "number": [1, 2],
        "comment": ["", "a, b"],
        "counts": [5, None],
        "ra": [1.5, None],
    }


def test_ecsv_with_commas_is_read(tmp_path, stars):
    table = Table({"name": ["a"], "number": [1]})
    path = tmp_path / "stars.ecsv"
    table.write(path, format="ascii.ecsv", delimiter=",")
    assert columns(**read_rows(path, stars))["name"] == ["a"]


ROWS = "a,1,,,\n"
ECSV = "# %ECSV 1.0\n# ---\n# delimiter: "


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["no line names the columns"]),
        ("# nothing\n", ["no line names the columns"]),
        ("name,number,ra,ra\n", ["the column ra is there twice"]),
        ("name,ra\n", ["has no number, which tells rows apart"]),
        (
            "name,number,coment,dec\n",
            [
                "the table stars has no coment; did you mean 'comment'?",
                "the table stars has no dec",
            ],
        ),
        (
            f"{HEAD}{ROWS}b,2,\nc,3,,,,,\n",
            ["line 3: 3 values; expected 5", "line 4: 7 values; expected 5"],
        ),
        (
            f"{HEAD}a,x,,1.5,12:00\n\nb,2,,2,y\n",
            [
                "line 2: number: 'x' is not a whole number",
                "line 2: counts: '1.5' is not a whole number",
                "line 2: ra: '12:00' is not a number",
                "line 4: ra: 'y' is not a number",
            ],
        ),
        (
            f'{HEAD}a,1,"two\nlines",,\n,2,,,\n',
            ["line 4: name: is missing; it tells rows apart"],
        ),
        (
            f"{HEAD}{ROWS}b,1,,,\n{ROWS}",
            ["line 4: name and number: the same as in line 2"],
        ),
        (f'{HEAD}"a,1', ["not CSV: unexpected end of data"]),
        (
            f"{ECSV}'|'\n# datatype:\n# - {{name: name, datatype: string}}\nname\n",
            ["delimiter: '|'; expected ',' or ' '"],
        ),
        (
            (
                f"{ECSV}','\n# datatype:\n"
                "# - {name: ra, datatype: float64, unit: m}\n"
                f"{HEAD}"
            ),
            ["ra is in 'm', which is not 'deg'"],
        ),
        (
            (
                f"{ECSV}','\n# datatype:\n"
                "# - {name: counts, datatype: int64, unit: s}\n"
                f"{HEAD}"
            ),
            ["counts is in 's', which is not 'without unit'"],
        ),
    ],
)
def test_a_wrong_file_is_told_with_all_that_is_wrong(tmp_path, stars, text, messages):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        read_rows(path, stars)
    told = [
        line.removeprefix(f"{path}: ").removeprefix(f"{path}, ")
        for line in str(refused.value).splitlines()
    ]
    assert [line.partition(" (")[0] for line in told] == messages


def test_a_file_of_another_kind_is_refused(tmp_path, stars):
    for name, message in (
        ("stars.fits", "of which kind is this? expected one of .csv, .ecsv, .xml"),
        ("stars.xml", "not a VOTable: "),
        ("stars.ecsv", "the header is not that of ECSV"),
    ):
        path = written(tmp_path, "# %ECSV 1.0\n# a: [\n", name)
        with pytest.raises(ConfigError) as refused:
            read_rows(path, stars)
        assert message in str(refused.value)


def test_bytes_that_are_no_text_are_refused(tmp_path, stars):
    path = tmp_path / "stars.csv"
    path.write_bytes(b"name,number\n\xff\xfe,1\n")
    with pytest.raises(ConfigError, match="not CSV: 'utf-8' codec can't decode"):
        read_rows(path, stars)


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)
rows = st.tuples(
    texts,
    st.integers(-(2**63) + 1, 2**63 - 1),
    texts,
    st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.lists(rows, max_size=6, unique_by=lambda row: row[:2]))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=50,
)
def test_what_python_writes_is_what_is_read(tmp_path, stars, rows):
    path = tmp_path / "stars.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(HEAD.strip().split(","))
        lines.writerows(rows)
    found = read_rows(path, stars)
    assert list(zip(*found.values(), strict=True)) == rows
