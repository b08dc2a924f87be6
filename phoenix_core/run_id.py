"""Run ids: how ESO names an observing run, in each of its spellings.

Old style ``TP.C-NNNN(R)``: programme type digit and period, scientific category,
running number, run letter, as in ``094.D-0114(B)``. New style, from period 105 on:
``PPP.AAAA.nnn``, as in ``110.23XX.001``.
"""

import re
from functools import cached_property

from attrs import frozen

from phoenix_core.errors import ConfigError

_OLD = re.compile(r"(\d?)(\d{2,3})\.([A-L])-(\d{4})(?:\(([A-Z])\)|([A-Z]))?", re.ASCII)
_NEW = re.compile(r"(\d{3})\.([0-9A-Z]{4})\.(\d{3})", re.ASCII)
_FIRST_PERIOD = 40  # 1987; what looks earlier is a period from 100 on without type
_FIRST_TYPED_PERIOD = 72
_FIRST_NEW_PERIOD = 105


@frozen
class RunId:
    """One run; two spellings of the same run are equal."""

    period: int
    programme_type: int = 0
    category: str = ""
    number: int = 0
    letter: str = ""
    proposal: str = ""

    @property
    def is_old_style(self) -> bool:
        """Whether this is ``094.D-0114B`` and not ``110.23XX.001``."""
        return not self.proposal

    @cached_property
    def programme(self) -> str:
        """What all runs of the programme share: ``094.D-0114`` or ``110.23XX``."""
        if not self.is_old_style:
            return f"{self.period:03d}.{self.proposal}"
        # 094 and 194 are P94, 0100 and 1100 are P100; 60 and 71 had no type yet.
        typed = self.programme_type or self.period >= _FIRST_TYPED_PERIOD
        period = f"{self.programme_type if typed else ''}{self.period:02d}"
        return f"{period}.{self.category}-{self.number:04d}"

    @cached_property
    def formal(self) -> str:
        """The spelling of headers and preparation tools: ``094.D-0114(B)``."""
        if not self.is_old_style:
            return f"{self.programme}.{self.number:03d}"
        return f"{self.programme}({self.letter})" if self.letter else self.programme

    @cached_property
    def plain(self) -> str:
        """The spelling of phoenix's command line: ``094.D-0114B``."""
        return f"{self.programme}{self.letter}" if self.is_old_style else self.formal

    def __str__(self) -> str:
        return self.plain


def parse_run_id(text: str) -> RunId:
    """Read a run id in any documented spelling.

    Raises:
        ConfigError: the text is no run id; the message shows what one looks like.

    >>> parse_run_id("094.D-0114(B)").plain
    '094.D-0114B'
    >>> parse_run_id("1104.A-0026(C)").period
    104
    >>> parse_run_id("110.23XX.001").formal
    '110.23XX.001'
    """
    word = text.strip()
    if match := _OLD.fullmatch(word):
        kind, period, category, number, bracketed, plain = match.groups()
        if int(period) < _FIRST_PERIOD:
            raise ConfigError(
                f"'{text}' is no run id: period {int(period)}; did you mean '0{word}'?"
            )
        return RunId(
            period=int(period),
            programme_type=int(kind or 0),
            category=category,
            number=int(number),
            letter=bracketed or plain or "",
        )
    if (match := _NEW.fullmatch(word)) and int(match[1]) >= _FIRST_NEW_PERIOD:
        return RunId(period=int(match[1]), proposal=match[2], number=int(match[3]))
    raise ConfigError(
        f"'{text}' is no run id; expected for example 094.D-0114B, 094.D-0114(B) "
        "or 110.23XX.001"
    )
