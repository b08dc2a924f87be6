"""What a table of the QC1 database holds; an instrument's package declares its own.

A package names a module in the entry point group ``phoenix.qc1``; its ``TABLES`` are
part of the database from then on. The tables of the observatory, which no instrument
owns, are in `observatory`.
"""

from collections.abc import Iterable
from enum import StrEnum

from attrs import field, frozen, validators

Value = str | int | float | None


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"


class Form(StrEnum):
    """What a text has to be, where it is not empty: it is held against it."""

    RUN_ID = "run id"  # put in as its formal spelling
    DATE = "date"  # of a night, YYYY-MM-DD
    GRADE = "grade"  # of an OB, A to D


@frozen
class Column:
    """A column: its name in lower case, what it holds, in which unit, what it means.

    `form` is for texts that others are to find: run ids, dates, grades.

    `default` stands where nothing was given; None is "not known". `since` is the
    version of the table that brought the column.
    """

    name: str = field(validator=validators.matches_re(r"[a-z][a-z0-9_]*"))
    kind: Kind = Kind.TEXT
    unit: str = ""
    meaning: str = ""
    is_key: bool = False
    default: Value = None
    since: int = 1
    form: Form | None = None


def _whole(table: "Qc1Table", _: object, columns: tuple[Column, ...]) -> None:
    """Refuse columns that no database could have, or that could not come later."""
    names = [column.name for column in columns]
    double = sorted({name for name in names if names.count(name) > 1})
    late = [c.name for c in columns if c.is_key and c.since > 1]
    tracked = [table.tracked] if table.tracked else []
    strange = sorted({*table.indexed, *tracked} - set(names))
    problem = ""
    if double:
        problem = f"has {double[0]} twice"
    elif not any(column.is_key for column in columns):
        problem = "has no key"
    elif late:
        problem = f"has a key that came later, {late[0]}; rows could not be told apart"
    elif strange:
        problem = f"has no {strange[0]} to be indexed or tracked"
    if problem:
        raise ValueError(f"the table {table.name} {problem}")


@frozen
class Qc1Table:
    """A table: a row replaces the one with the same key columns.

    `tracked` names the column by whose values changes are to be seen, '' none.

    Raises:
        ValueError: a column is there twice, no column or one that came later is a
            key, or what shall be indexed or tracked is no column.
    """

    name: str = field(validator=validators.matches_re(r"[a-z][a-z0-9_]*"))
    meaning: str
    columns: tuple[Column, ...] = field(validator=_whole)
    indexed: tuple[str, ...] = ()
    tracked: str = ""

    @property
    def version(self) -> int:
        """The version of the table: that of its newest column."""
        return max(column.since for column in self.columns)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return tuple(column.name for column in self.columns if column.is_key)

    def named(self, names: Iterable[str]) -> tuple[Column, ...]:
        """Return some of its columns, in the order of their names.

        Raises:
            KeyError: it has no such column.
        """
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[name] for name in names)


def key(
    name: str, meaning: str, kind: Kind = Kind.TEXT, form: Form | None = None
) -> Column:
    """A column that tells rows apart."""
    return Column(name, kind, meaning=meaning, is_key=True, form=form)


def text(name: str, meaning: str = "", form: Form | None = None) -> Column:
    """A column of text; '' where it is not known."""
    return Column(name, Kind.TEXT, meaning=meaning, default="", form=form)


def real(name: str, unit: str, meaning: str = "") -> Column:
    """A column of numbers."""
    return Column(name, Kind.REAL, unit, meaning)


def integer(name: str, meaning: str = "") -> Column:
    """A column of whole numbers."""
    return Column(name, Kind.INTEGER, "", meaning)
