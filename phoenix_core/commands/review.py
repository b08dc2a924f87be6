"""The command of a CERTIF_PGI: a review that moves nothing."""

from pathlib import Path

import attrs

from phoenix_core.config import find_config, read_config
from phoenix_core.errors import ConfigError
from phoenix_core.files.run_lock import holding
from phoenix_core.loader.session import Wishes, open_session
from phoenix_core.model import Run
from phoenix_core.run.move_products import PartThree, certify_only
from phoenix_core.words.answer import answer
from phoenix_core.words.plain_text import counted
from phoenix_core.words.terminal import Terminal, safe


def review_only(name: str, given: Path | None, asked: Wishes, *, as_json: bool) -> None:
    """Review the products of a run; `phoenix -M` moves them later.

    Args:
        name: the command, called as the CERTIF_PGI that it is.
        given: the configuration of the command line.
        asked: the run, what of it, and how to review.
        as_json: whether to answer with one JSON document.

    Raises:
        ConfigError: the configuration has another CERTIF_PGI.
    """
    config = read_config(find_config(given))
    certif = config.slots.get("phoenix.CERTIF_PGI", ())
    if certif != (name,):
        has = f'has CERTIF_PGI = "{certif[0]}"' if certif else "has no CERTIF_PGI"
        raise ConfigError(f"{config.path} {has}, and {name} is another one")
    with (
        open_session(config, asked) as session,
        holding(session.lock, f"run {session.run.label}"),
    ):
        run = attrs.evolve(session.run, reviewer=name)
        done = certify_only(run, session.pgis)
    if as_json:
        told = {key: attrs.asdict(done)[key] for key in _TOLD}
        answer({"run": run.label, "ok": True, "exit_code": 0, **told})
    else:
        _show(run, done)


_TOLD = ("accepted", "rejected", "undecided")


def _show(run: Run, done: PartThree) -> None:
    console = Terminal(soft_wrap=True, highlight=False)
    for verdict in (*done.accepted, *done.rejected):
        word = "[green]accepted[/]" if verdict.is_accepted else "[yellow]rejected[/]"
        why = f": {verdict.comment}" if verdict.comment else ""
        told = f"by {verdict.by}, {verdict.at}{why}"
        console.print(f"  {safe(verdict.block)} {word} {safe(told)}")
    for stays in done.undecided:
        console.print(f"  {safe(stays.block)} undecided: {safe(stays.why)}")
    counts = (f"{len(getattr(done, key))} {key}" for key in _TOLD)
    console.print(f"{safe(run.label)}: {', '.join(counts)}; nothing was moved")
    if done.accepted:
        count = counted(len(done.accepted), "accepted product")
        select = f" -a {run.select}" if run.select else ""
        console.print(f"to move {count}: phoenix {safe(run.option + select)} -M")
