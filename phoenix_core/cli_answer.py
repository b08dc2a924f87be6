"""The answer for programs: one JSON document on standard output."""

import json
from collections.abc import Mapping
from typing import Any

import typer


def answer(document: Mapping[str, Any]) -> None:
    """Print a JSON document."""
    typer.echo(json.dumps(document, indent=2, default=str))
