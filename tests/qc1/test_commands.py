"""The commands of the QC1 database, as people and programs call them."""

import json

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
    assert missing.stderr == (
        f"phoenix: {tmp_path}/sched_rep.csv: No such file or directory\n"
    )


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
