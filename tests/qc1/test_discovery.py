"""Which tables there are, and what is said of a package that is broken."""

import pytest

from phoenix_core.errors import ConfigError, PgiError
from phoenix_core.qc1.discovery import declared_tables, table_named
from phoenix_core.qc1.tables import Column, Qc1Table, integer, key, text

GROUP = "phoenix.qc1"
HEAD = "from phoenix_core.qc1.tables import Qc1Table, key, text\n"


def test_the_tables_of_the_observatory_and_of_installed_packages_are_there():
    tables = declared_tables()
    assert {"sched_rep", "data_products", "ob_grades"} <= set(tables)
    assert {"muse_sci_single", "muse_sci_combined", "muse_sci_deep"} <= set(tables)
    assert all(name == table.name for name, table in tables.items())


def test_a_package_adds_its_tables(pgi_package):
    source = 'TABLES = (Qc1Table("beans", "Counted.", (key("pod", "which"),)),)'
    pgi_package("qc1_beans", HEAD + source, GROUP)
    assert declared_tables()["beans"].keys == ("pod",)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import spam_of_nobody",
            (
                "the QC1 tables of qc1_x (from qc1_x 1) cannot be imported: "
                "No module named 'spam_of_nobody'"
            ),
        ),
        (
            "raise SystemExit(3)",
            "the QC1 tables of qc1_x (from qc1_x 1) cannot be imported: SystemExit: 3",
        ),
        (
            HEAD + 'TABLES = (Qc1Table("beans", "", (text("pod"),)),)',
            (
                "the QC1 tables of qc1_x (from qc1_x 1) cannot be imported: "
                "ValueError: the table beans has no key"
            ),
        ),
        (
            "",
            "qc1_x (from qc1_x 1): the module qc1_x has no TABLES, a tuple of Qc1Table",
        ),
        (
            'TABLES = ["beans"]',
            "qc1_x (from qc1_x 1): the module qc1_x has no TABLES, a tuple of Qc1Table",
        ),
        (
            HEAD + 'TABLES = (Qc1Table("sched_rep", "", (key("pod", ""),)),)',
            (
                "qc1_x (from qc1_x 1) declares the QC1 table sched_rep, as the "
                "observatory does; give it another name"
            ),
        ),
    ],
)
def test_a_broken_package_is_named(pgi_package, source, message):
    pgi_package("qc1_x", source, GROUP)
    with pytest.raises(PgiError) as refused:
        declared_tables()
    assert str(refused.value) == message


def test_a_misspelt_table_is_told_with_the_nearest():
    assert table_named("OB_Grades").name == "ob_grades"
    with pytest.raises(ConfigError, match="no table 'ob_grade'; did you mean 'ob_gra"):
        table_named("ob_grade")


@pytest.mark.parametrize(
    ("columns", "indexed", "problem"),
    [
        ((key("a", ""), text("a")), (), "has a twice"),
        ((integer("a"),), (), "has no key"),
        (
            (key("a", ""), Column("b", is_key=True, since=2)),
            (),
            "has a key that came later, b",
        ),
        ((key("a", ""),), ("b",), "has no b to be indexed or tracked"),
    ],
)
def test_a_table_that_no_database_could_have_is_refused(columns, indexed, problem):
    with pytest.raises(ValueError, match=f"the table beans {problem}"):
        Qc1Table("beans", "", columns, indexed)
