"""The commands of the QC1 database, as people and programs call them."""

import json
import sqlite3

import pytest

GRADE = ["-table", "ob_grades", "-ob_id", "5", "-exec_time", "2014-10-23T01:10:54"]


@pytest.fixture
def ingest(call):
    return lambda *words: call(*words, program="qc1Ingest")


@pytest.fixture
def rows(call):
    """A function that asks the database."""

    def ask(sql):
        return json.loads(call("qc1", "query", sql, "--json").stdout)["rows"]

    return ask


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request, example):
    """The configuration names a database of each kind."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        text = example.config.read_text("utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("database")]
        lines.insert(0, f'database = "{url}"')
        example.config.write_text("\n".join(lines), "utf-8")


def test_a_row_is_put_in_and_replaced_whole(backend, ingest, rows):
    assert ingest(*GRADE, "-GRADE", "A", "-comment", "-1").stdout == (
        "ob_grades: a new row\n"
    )
    done = ingest("-grade", "B", *GRADE, "--json")
    assert json.loads(done.stdout)["replaced"] is True
    assert rows("SELECT * FROM ob_grades") == [
        {
            "ob_id": 5,
            "exec_time": "2014-10-23T01:10:54",
            "run_id": "",
            "grade": "B",
            "comment": "",
        }
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-table", "ob_grade"], "qc1Ingest: there is no table 'ob_grade'; did you m"),
        ([*GRADE, "-grad", "A"], "qc1Ingest: the table ob_grades has no grad; did yo"),
        ([*GRADE, "-grade"], "qc1Ingest: -grade has no value; write -grade value"),
        ([*GRADE[:2], "-ob_id", "5"], "qc1Ingest: -exec_time is missing: it tells"),
    ],
)
def test_a_wrong_key_is_one_line_and_puts_nothing_in(ingest, rows, words, message):
    ingest(*GRADE)
    done = ingest(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert rows("SELECT count(*) AS n FROM ob_grades") == [{"n": 1}]


def test_help_of_ingest_tells_the_keys_of_a_table(ingest):
    assert "-table TABLE -key VALUE" in ingest().stdout
    assert "-table TABLE -key VALUE" in ingest("-h").stdout
    assert ingest("-v").stdout.startswith("qc1Ingest 0.")
    keys = ingest("-h", "-table", "data_products").stdout
    assert keys.startswith("data_products: Raw files in the archive.")
    assert "exptime" in keys


def test_the_configuration_can_be_named(ingest, example, call):
    moved = example.config.rename(example.config.with_name("other.toml"))
    assert ingest(*GRADE).returncode == 2
    assert ingest(*GRADE, "--config", str(moved)).returncode == 0
    asked = ["qc1", "query", "SELECT ob_id FROM ob_grades", "--config", moved]
    assert "5" in call(*asked).stdout


def test_files_are_imported_into_the_tables_they_are_called_after(
    backend, call, rows, tmp_path
):
    grades, raws = tmp_path / "ob_grades.csv", tmp_path / "raws.csv"
    grades.write_text("ob_id,exec_time,grade\n1,2014,A\n2,2015,C\n")
    raws.write_text("dp_id,object\nX.1,NGC 300\n")
    done = call("qc1", "import", grades)
    assert done.stdout == f"ob_grades: 2 rows from {grades}\n"
    done = call("qc1", "import", raws, "--table", "data_products", "--json")
    assert json.loads(done.stdout)["imported"] == [
        {"file": str(raws), "table": "data_products", "rows": 1}
    ]
    assert rows("SELECT grade FROM ob_grades ORDER BY ob_id") == [
        {"grade": "A"},
        {"grade": "C"},
    ]


def test_what_cannot_be_imported_is_told_by_file_and_line(call, tmp_path, rows):
    path = tmp_path / "ob_grades.csv"
    path.write_text("ob_id,exec_time\n1,2014\none,2015\n")
    done = call("qc1", "import", path)
    assert done.returncode == 2
    assert done.stderr == (
        f"phoenix: {path}, line 3: ob_id: 'one' is not a whole number\n"
    )
    assert rows("SELECT count(*) AS n FROM ob_grades") == [{"n": 0}]
    missing = call("qc1", "import", tmp_path / "sched_rep.csv")
    assert missing.returncode != 0
    assert missing.stderr == (f"phoenix: {tmp_path}/sched_rep.csv: no such file\n")


def test_files_that_are_not_there_are_told_before_their_tables(call, tmp_path):
    done = call("qc1", "import", tmp_path / "nofile.csv", tmp_path / "b.csv")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"phoenix: {tmp_path}/nofile.csv: no such file",
        f"phoenix: {tmp_path}/b.csv: no such file",
    ]


def test_what_nobody_would_find_again_is_refused_or_spelt_right(
    backend, ingest, call, rows, tmp_path
):
    path = tmp_path / "ob_grades.csv"
    path.write_text("ob_id,exec_time,run_id,grade\n1,2014,NGC300,E\n2,2015,,\n")
    done = call("qc1", "import", path)
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            f"phoenix: {path}, line 2: {told}"
            for told in (
                "run_id: 'NGC300' is no run id; expected one such as 094.D-0114(B)",
                "grade: 'E' is no grade; expected A, B, C or D",
            )
        ],
    )
    path.write_text("ob_id,exec_time,run_id,grade\n1,2014,094.D-0114B,b\n2,2015,,\n")
    assert call("qc1", "import", path).returncode == 0
    assert rows("SELECT run_id, grade FROM ob_grades ORDER BY ob_id") == [
        {"run_id": "094.D-0114(B)", "grade": "B"},
        {"run_id": "", "grade": ""},
    ]
    cube = ("-table", "muse_sci_combined", "-pipefile", "r.MUSE.x_tpl.fits")
    done = ingest(*cube, "-civil_date", "23/10/14", "-run_id", "x\x1b")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"qc1Ingest: {told}"
        for told in (
            "-civil_date: '23/10/14' is no date; expected one such as 2014-10-22",
            r"-run_id: 'x\x1b' is no run id; expected one such as 094.D-0114(B)",
        )
    ]


def test_a_key_in_another_spelling_is_the_same_row(ingest, rows):
    run = ("-table", "sched_rep", "-period", "94", "-run_id")
    assert ingest(*run, "094.D-0114(B)").stdout == "sched_rep: a new row\n"
    assert ingest(*run, "094.D-0114B").stdout == "sched_rep: a row replaced\n"
    assert rows("SELECT run_id FROM sched_rep") == [{"run_id": "094.D-0114(B)"}]


def test_a_row_is_deleted_by_its_key(backend, ingest, rows):
    ingest(*GRADE)
    ingest(*GRADE[:2], "-ob_id", "6", *GRADE[4:])
    done = ingest("-delete", *GRADE)
    assert (done.returncode, done.stdout) == (0, "ob_grades: a row deleted\n")
    assert rows("SELECT ob_id FROM ob_grades") == [{"ob_id": 6}]
    again = ingest("-delete", *GRADE, "--json")
    assert again.returncode == 2
    assert "ob_grades has no row -ob_id 5 -exec_time 2014-10-23T" in again.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (GRADE[:4], "-exec_time is missing: it tells the rows of ob_grades apart"),
        ([*GRADE, "-grade", "A"], "-grade tells no rows of ob_grades apart; leave it"),
        ([*GRADE[:3], "x", *GRADE[4:]], "-ob_id: 'x' is not a whole number"),
    ],
)
def test_nothing_is_deleted_but_by_a_whole_key(ingest, rows, words, message):
    ingest(*GRADE)
    done = ingest("-delete", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert rows("SELECT ob_id FROM ob_grades") == [{"ob_id": 5}]


def test_a_wrong_row_of_before_can_be_deleted(ingest, rows, example):
    ingest("-table", "sched_rep", "-period", "94", "-run_id", "094.D-0114B")
    database = sqlite3.connect(example.root / "phoenix.db")
    database.execute("UPDATE sched_rep SET run_id = '094.D-0114B'")
    database.commit()
    database.close()
    wrong = ("-table", "sched_rep", "-period", "94", "-run_id", "094.D-0114B")
    assert ingest("-delete", *wrong).returncode == 0
    assert rows("SELECT run_id FROM sched_rep") == []


def test_the_version_of_the_tools_is_told(call):
    assert call("qc1", "-v").stdout == call("-v").stdout
    assert "import" in call("qc1").stdout + call("qc1").stderr


def test_a_query_is_a_table_csv_or_json(ingest, call):
    ingest(*GRADE, "-comment", "[red]\x1b[2J, so")
    sql = "SELECT ob_id, comment, 1.5 AS x FROM ob_grades"
    shown = call("qc1", "query", sql).stdout
    assert [line.split() for line in shown.splitlines()] == [
        ["ob_id", "comment", "x"],
        ["5", "[red]?[2J,", "so", "1.5"],
    ]
    assert call("qc1", "query", sql, "--csv").stdout == (
        'ob_id,comment,x\n5,"[red]\x1b[2J, so",1.5\n'
    )
    assert json.loads(call("qc1", "query", sql, "--json").stdout) == {
        "columns": ["ob_id", "comment", "x"],
        "rows": [{"ob_id": 5, "comment": "[red]\x1b[2J, so", "x": 1.5}],
    }
    for words in (["--json", "--csv"], ["--json"]):
        twice = "SELECT ob_id, ob_id FROM ob_grades"
        assert call("qc1", "query", twice, *words).returncode == 2


def test_sums_are_numbers_for_programs(backend, ingest, rows):
    ingest(*GRADE)
    sql = "SELECT sum(ob_id) AS n, avg(ob_id) + 0.5 AS m, 2.25 AS x FROM ob_grades"
    assert rows(sql) == [{"n": 5, "m": 5.5, "x": 2.25}]


def test_a_row_is_one_line_however_long(ingest, call):
    ingest(*GRADE, "-comment", "word " * 100)
    shown = call("qc1", "query", "SELECT comment, grade FROM ob_grades").stdout
    assert len(shown.splitlines()) == 2


def test_a_query_that_would_change_something_is_refused(ingest, call):
    ingest(*GRADE)
    done = call("qc1", "query", "DELETE FROM ob_grades")
    assert done.returncode == 2
    assert done.stderr == "phoenix: queries read tables, and do nothing else\n"


def test_long_answers_are_cut_for_people_alone(ingest, call):
    ingest(*GRADE)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
    numbers += "WHERE i < 1005) SELECT i FROM n"
    shown = call("qc1", "query", numbers).stdout.splitlines()
    assert len(shown) == 1002
    assert shown[-1] == "... and 5 more rows: --csv has them all"
    assert len(call("qc1", "query", numbers, "--csv").stdout.splitlines()) == 1006


def test_tables_are_listed_with_columns_units_and_meaning(call):
    shown = call("qc1", "tables").stdout
    assert "data_products" in shown
    assert "muse_sci_combined" in shown
    columns = call("qc1", "tables", "data_products").stdout
    (line,) = (one for one in columns.splitlines() if one.startswith("exptime"))
    assert line.split() == ["exptime", "real", "s", "of", "the", "exposure"]
    document = json.loads(call("qc1", "tables", "data_products", "--json").stdout)
    (exptime,) = (c for c in document["columns"] if c["name"] == "exptime")
    assert (exptime["kind"], exptime["unit"]) == ("real", "s")
    every = json.loads(call("qc1", "tables", "--json").stdout)["tables"]
    assert document in every


def test_a_broken_package_is_one_line(pgi_package, ingest, call):
    pgi_package("qc1_x", "import spam_of_nobody", "phoenix.qc1")
    for done in (ingest(*GRADE), call("qc1", "tables")):
        assert done.returncode == 3
        assert "the QC1 tables of qc1_x (from qc1_x 1) cannot be imp" in done.stderr
        assert done.stderr.count("\n") == 1
