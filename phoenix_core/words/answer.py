"""The answer for programs: one JSON document on standard output."""

import json
import os
from collections.abc import Mapping
from typing import IO, Any

import typer


def answer(document: Mapping[str, Any]) -> None:
    """Print a JSON document."""
    typer.echo(json.dumps(document, indent=2, default=str))


def give_up(stream: IO[str]) -> None:
    """Let a stream that nobody reads, or that is full, take everything from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
