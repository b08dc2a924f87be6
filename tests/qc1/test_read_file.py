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


VOTABLE = """<?xml version="1.0"?>{dtd}
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="name" datatype="char" arraysize="*"/><FIELD name="number" datatype="long"/>
<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>"""
ROW = "<TABLEDATA><TR><TD>a</TD><TD>1</TD></TR></TABLEDATA>"
STREAM = '<BINARY><STREAM {}="file://{}"/></BINARY>'


def test_a_votable_leads_to_no_other_file(tmp_path, stars):
    other = written(tmp_path, "secret", "other")
    prefixed = '<BINARY><v:STREAM xmlns:v="x" href="file://{}"/></BINARY>'
    for dtd, data, message in (
        ("", STREAM.format("href", other), "line 4: a STREAM with href"),
        ("", STREAM.format("encoding='base64' href", other), "a STREAM with href"),
        ("", prefixed.format(other), "a STREAM with href"),
        ("", f"<FITS>{STREAM[8:-9].format('href', other)}</FITS>", "a STREAM with"),
        (f'<!DOCTYPE V [<!ENTITY e SYSTEM "{other}">]>', ROW, "line 1: an entity"),
        (f'<!DOCTYPE V [<!ENTITY % e SYSTEM "{other}">%e;]>', ROW, "an entity"),
        ('<!DOCTYPE V [<!ENTITY e "lol">]>', ROW, "an entity"),
    ):
        path = written(tmp_path, VOTABLE.format(dtd=dtd, data=data), "stars.xml")
        with pytest.raises(ConfigError) as refused:
            read_rows(path, stars)
        assert message in str(refused.value)
        assert str(refused.value).endswith("expected all data in the file itself")


@pytest.mark.parametrize("dtd", ["", '<!DOCTYPE VOTABLE SYSTEM "http://x.invalid/v">'])
def test_a_votable_with_all_its_data_is_read(tmp_path, stars, dtd):
    path = written(tmp_path, VOTABLE.format(dtd=dtd, data=ROW), "stars.xml")
    assert columns(**read_rows(path, stars))["name"] == ["a"]


HEADS = [
    "",
    "# 1\n",
    "# - a\n",
    "# datatype: 1\n",
    "# datatype: name\n",
    "# datatype: [name]\n",
    "# datatype:\n# - {name: 1, unit: m}\n",
    "# datatype:\n# - {unit: m}\n",
    "# datatype:\n# - {name: [a], unit: m}\n",
    "# datatype:\n# - {name: {a: b}, datatype: {}}\n",
    "# datatype: !!python/object:os.system {}\n",
    "# datatype: !astropy.units.Unit {unit: 3}\n",
    "# datatype: " + "[" * 3000 + "\n",
    "# ? [a]\n# : {b: c}\n",
    "# delimiter: [1]\n# datatype:\n# - {name: name, datatype: string}\n",
    "# delimiter: {a: b}\n# datatype:\n# - {name: name, datatype: string}\n",
    "# \0\n",
]


@pytest.mark.parametrize("head", HEADS, ids=lambda head: ascii(head[:40]))
def test_a_strange_header_of_ecsv_is_told_in_one_line(tmp_path, stars, head):
    path = written(tmp_path, f"# %ECSV 1.0\n# ---\n{head}name,number\na,1\n", "s.ecsv")
    with pytest.raises(ConfigError) as refused:
        read_rows(path, stars)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("counts", "1_0_9"),
        ("counts", "\u0661\u0662"),
        ("counts", "\uff15"),
        ("ra", "6_00"),
        ("ra", "\u0661.5"),
        ("ra", "1e999"),
        ("ra", "-1e999"),
    ],
)
@pytest.mark.parametrize("others", ["", "b,2,,\n", "b,2,7,8\n"])
def test_a_number_that_nobody_would_write_so_is_none(
    tmp_path, stars, name, value, others
):
    counts, ra = (value, "") if name == "counts" else ("", value)
    text = f"name,number,counts,ra\n{others}a,1,{counts},{ra}\n"
    with pytest.raises(ConfigError, match=f"{name}: .* is not a (whole )?number$"):
        read_rows(written(tmp_path, text), stars)


def test_large_numbers_and_what_is_not_known_are_read(tmp_path, stars):
    text = (
        "name,number,counts,ra\na,1, 5 ,1e308\nb,2,NULL,1.7e308\nc,3,,inf\nd,4,,nan\n"
    )
    found = columns(**read_rows(written(tmp_path, text), stars))
    assert found["counts"] == [5, None, None, None]
    assert found["ra"] == [1e308, 1.7e308, None, None]


@pytest.mark.parametrize("unit", ["1e999 deg", "1e-999 deg", "1e300 deg", "nan deg"])
def test_a_unit_that_makes_numbers_endless_is_refused(tmp_path, stars, unit):
    head = (
        f"{ECSV}','\n# datatype:\n# - {{name: ra, datatype: float64, unit: {unit}}}\n"
    )
    path = written(tmp_path, f"{head}name,number,ra\na,1,1e10\n", "stars.ecsv")
    with pytest.raises(ConfigError, match=": ra"):
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
