"""The commands that work on a run, and how they tell what they did."""

from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import typer
from rich.console import Console
from rich.table import Table

from phoenix_core.ab.cascade import finals
from phoenix_core.association_block import AbStatus, is_safe_name
from phoenix_core.config import Config, find_config, read_config
from phoenix_core.errors import (
    CertificationError,
    ConfigError,
    PhoenixError,
    ProcessingError,
)
from phoenix_core.files.run_lock import holding, is_held
from phoenix_core.jobs.plan import Plan, in_gb, in_time
from phoenix_core.loader.session import Session, Watch, Wishes, open_session
from phoenix_core.model import Job, Outcome, Run
from phoenix_core.nearest import nearest
from phoenix_core.processing.work_dir import remove_aside
from phoenix_core.records.ledger import open_ledger
from phoenix_core.run.progress import told, watch_for
from phoenix_core.words.answer import answer
from phoenix_core.words.terminal import Terminal, safe

_EXIT_FAILED = ProcessingError.exit_code


def wishes(
    run_id: str,
    date: str,
    select: str,
    verdicts: Path | None,
    *,
    fresh: bool,
    keep: bool,
    web: int | None = None,
) -> Wishes:
    """Gather what the command line says of a run."""
    return Wishes(run_id, date, select, verdicts, fresh, keep, web)


def web_port(verdicts: Path | None, port: int | None, *, web: bool) -> int | None:
    """Return where a review in a browser listens, None where there is none.

    Raises:
        ConfigError: the options do not go together.
    """
    if port is not None and not web:
        raise ConfigError("--port goes with --web")
    if web and verdicts:
        raise ConfigError("--web and --verdicts: review in one of the two ways")
    return (port or 0) if web else None


def run_part(part: str, given: Path | None, asked: Wishes, *, as_json: bool) -> None:
    """Do one part of a run; without a name all three, where no review is mandatory."""
    config = read_config(find_config(given))
    certif = config.slots.get("phoenix.CERTIF_PGI", ())
    if not part and certif:
        raise ConfigError(
            f"name a part, -C, -P or -M: {config.path} has CERTIF_PGI = "
            f'"{certif[0]}", so the products have to be reviewed before they move'
        )
    console = Terminal(stderr=as_json, soft_wrap=True)
    watch = Watch() if as_json else watch_for(console)
    show = None if as_json else _shower(console)
    with open_session(config, asked, show, watch) as session:
        try:
            with holding(session.lock, f"run {session.run.label}"):
                documents = [
                    _PARTS[letter](session, console, as_json=as_json)
                    for letter in part or "PM"
                ]
        except PhoenixError:  # a part that ends so may have done something before
            if any(session.run.ab_dir.glob("*.ab")):
                _update_monitors(config, session.run, console)
            raise
    _update_monitors(config, session.run, console)
    if as_json:
        answer(documents[0] if len(documents) == 1 else {"parts": documents})
    failed = [document for document in documents if not document["ok"]]
    raise SystemExit(failed[0]["exit_code"] if failed else 0)


def one_ab(
    given: Path | None, run_id: str, date: str, name: str, *, as_json: bool
) -> None:
    """Process one AB by itself."""
    from phoenix_core.processing.process_ab import ProcessAb  # noqa: PLC0415

    config = read_config(find_config(given))
    with open_session(config, _wishes_of(config, run_id, date, name)) as session:
        _check_there(session.run, name)
        work = ProcessAb(session.run, session.pgis, session.sums)
        outcome = work(Job(name))
        remove_aside(session.run)
        if outcome.is_new:
            with session.ledger.attempts_of(session.run.date) as keep:
                keep(outcome)
        _write_monitor_alone(session)
    _tell_one(outcome, as_json=as_json)


def one_qc(
    given: Path | None, run_id: str, date: str, name: str, *, as_json: bool
) -> None:
    """Make the QC of one AB by itself."""
    from phoenix_core.run.process import ProcessQc  # noqa: PLC0415

    config = read_config(find_config(given))
    with open_session(config, _wishes_of(config, run_id, date, name)) as session:
        _check_there(session.run, name)
        outcome = ProcessQc(session.run, session.pgis)(Job(name))
        _write_monitor_alone(session)
    if outcome.cause:
        outcome = attrs.evolve(outcome, status=AbStatus.FAILED)
    _tell_one(outcome, as_json=as_json)


def _create(session: Session, console: Console, *, as_json: bool) -> dict[str, Any]:
    from phoenix_core.run.create import create  # noqa: PLC0415

    plan = create(session)
    monitor = _write_monitor(session)
    if not as_json:
        _show_plan(session.run, plan, console)
    return {"part": "C", **_plan_document(session.run, plan), "monitor": monitor}


def _process(session: Session, console: Console, *, as_json: bool) -> dict[str, Any]:
    from phoenix_core.run.process import process  # noqa: PLC0415

    done = process(session)
    plan = _plan_document(session.run, done.plan)
    if not as_json:
        if done.plan.errors:
            _show_plan(session.run, done.plan, console)
        else:
            _show_notes(done.plan, console)
            _show_processed(session.run, done, console)
    ok = plan["ok"] and not done.failures
    return {
        "part": "P",
        **plan,
        "ok": ok,
        "exit_code": 0 if ok else _EXIT_FAILED,
        "outcomes": [_plain(outcome) for outcome in done.outcomes],
        "up_to_date": done.up_to_date,
        "qc_failures": [_plain(outcome) for outcome in done.qc_failures],
        "reports": [
            {
                "block": report.block,
                "target": report.target,
                "scores": [
                    {
                        **_plain(score),
                        "is_passed": score.is_passed,
                        "colour": score.colour,
                    }
                    for score in report.scores
                ],
                "total_score": report.total_score,
                "plots": report.plots,
            }
            for report in done.reports
        ],
        "cover": done.cover,
        "monitor": done.monitor,
    }


def _move(session: Session, console: Console, *, as_json: bool) -> dict[str, Any]:
    from phoenix_core.run.move_products import move  # noqa: PLC0415
    from phoenix_core.run.pages import write_run_pages  # noqa: PLC0415

    done = move(session.run, session.pgis)
    session.events.tell("moved", moved=len(done.moved), deleted=len(done.deleted))
    if not as_json:
        _show_moved(session.run, done, console)
    # What they link to has moved; where a kill comes first, the next call does it.
    pages = write_run_pages(session.run, session.pgis, session.events)
    if not as_json:
        _show_pages(pages, console)
    ok = not done.failed
    return {
        "part": "M",
        "run": session.run.label,
        "ok": ok,
        "exit_code": 0 if ok else CertificationError.exit_code,
        **_plain(done),
        **_plain(pages),
    }


def _write_monitor(session: Session) -> Path | None:
    from phoenix_core.ab_monitor.page import AbMonitor  # noqa: PLC0415
    from phoenix_core.ab_monitor.watch import write_if_possible  # noqa: PLC0415

    return write_if_possible(AbMonitor(session.run), session.events)


def _write_monitor_alone(session: Session) -> None:
    """Write the AB monitor, unless whoever called this for one of many ABs does."""
    if not is_held(session.lock):
        _write_monitor(session)


def _update_monitors(config: Config, run: Run, console: Console) -> None:
    """Let the history show what the part did; the part is done in any case."""
    from phoenix_core.monitors.update import after_part  # noqa: PLC0415

    if problem := after_part(config, run.date):
        console.print(f"[yellow]warning[/]: {safe(problem)}")


_PARTS = {"C": _create, "P": _process, "M": _move}


def _plain(value: Any) -> dict[str, Any]:
    return attrs.asdict(value)


def _plan_document(run: Run, plan: Plan) -> dict[str, Any]:
    ok = not plan.errors
    return {
        "run": run.label,
        "date": run.date,
        "ok": ok,
        "exit_code": 0 if ok else _EXIT_FAILED,
        "abs": [block.name for block in plan.cascade.blocks],
        "due": dict(plan.due),
        "plan": [_plain(row) for row in plan.rows],
        "findings": [_plain(finding) for finding in plan.findings],
        "notes": plan.notes,
        "job_file": plan.job_file,
    }


def _show_plan(run: Run, plan: Plan, console: Console) -> None:
    table = Table(title=f"Plan of {run.label} ({run.date})", title_justify="left")
    table.add_column("recipe", no_wrap=True)
    table.add_column("data", overflow="fold")
    for heading in ("ABs", "due", "at\nonce", "time", "memory\neach", "disk"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in plan.rows:
        table.add_row(
            safe(row.recipe),
            safe(row.raw_type),
            str(row.number),
            str(row.due),
            str(min(row.limit, row.number)),
            in_time(row.seconds) if row.due else "",
            in_gb(row.memory) if row.memory else "",
            in_gb(row.disk) if row.disk else "",
        )
    table.add_section()
    table.add_row(
        "all",
        "",
        str(sum(row.number for row in plan.rows)),
        str(len(plan.due)),
        "",
        in_time(sum(row.seconds for row in plan.rows)),
        "",
        in_gb(sum(row.disk for row in plan.rows)),
    )
    if plan.rows:
        console.print(table)
    _show_notes(plan, console)
    if plan.errors:
        errors = len(plan.errors)
        console.print(f"[red]{errors} error(s): mend them and call again[/]")
    elif plan.job_file:
        console.print(f"ABs:      {safe(str(run.ab_dir))}")
        console.print(f"job file: {safe(str(plan.job_file))}")


def _show_notes(plan: Plan, console: Console) -> None:
    for finding in plan.findings:
        kind, style = ("error", "red") if finding.is_error else ("warning", "yellow")
        about = f"{finding.block}: " if finding.block else ""
        told_once = "" if about and finding.block in finding.message else about
        console.print(f"[{style}]{kind}[/]: {safe(told_once + finding.message)}")
    for note in plan.notes:
        console.print(f"note: {safe(note)}")


def _show_processed(run: Run, done: Any, console: Console) -> None:
    good = [o for o in done.outcomes if o.status is AbStatus.SUCCESSFUL]
    counts = [f"{len(good)} ABs processed"]
    if done.up_to_date:
        counts.append(f"{len(done.up_to_date)} up to date")
    failed = [o for o in done.failures if o.status is AbStatus.FAILED]
    skipped = [o for o in done.failures if o.status is AbStatus.SKIPPED]
    if failed:
        counts.append(f"[red]{len(failed)} failed[/]")
    if skipped:
        counts.append(f"[yellow]{len(skipped)} skipped[/]")
    console.print(f"{safe(run.label)}: {', '.join(counts)}")
    for outcome in failed:
        console.print(f"  [red]{safe(told(outcome))}[/]")
    for outcome in skipped:
        console.print(f"  [yellow]{safe(told(outcome))}[/]")
    if done.failures:
        console.print(
            f"mend the cause (phoenix explain {safe(run.option)} AB tells more), "
            f"then call phoenix again: what is finished is kept"
        )
        return
    _show_reports(done, console)


def _show_reports(done: Any, console: Console) -> None:
    red = [report for report in done.reports if not report.is_green]
    if red:
        names = ", ".join(report.block for report in red)
        console.print(
            f"  [yellow]{len(red)} of {len(done.reports)} QC reports have failed "
            f"scores: {safe(names)}[/]"
        )
    wanted = {block.name for block in finals(done.plan.cascade.blocks)}
    for report in done.reports:
        for plot in report.plots if report.block in wanted else ():
            label = report.target or report.block
            console.print(f"  {safe(label)}: {safe(str(plot))}")
        for comment in report.comments if report.block in wanted else ():
            console.print(f"    [yellow]{safe(comment)}[/]")
    _show_pages(done, console)


def _show_pages(pages: Any, console: Console) -> None:
    for label, page in (("cover sheet", pages.cover), ("AB monitor", pages.monitor)):
        if page:
            console.print(f"{label}: {safe(str(page))}")


def _show_moved(run: Run, done: Any, console: Console) -> None:
    from phoenix_core.review.command import command_of  # noqa: PLC0415

    for verdict in done.rejected:
        told_why = f"{verdict.block} was rejected and stays: {verdict.comment}"
        console.print(f"  [yellow]{safe(told_why)}[/]")
    if done.rejected:
        console.print(f"  to decide anew: {safe(command_of(run))}", highlight=False)
    for stays in done.undecided:
        console.print(f"  {safe(stays.block)} stays: {safe(stays.why)}")
    for stays in done.failed:
        console.print(f"  [red]{safe(stays.block)} stays: {safe(stays.why)}[/]")
    if not done.moved:
        kept = f"; {len(done.deleted)} kept working products deleted"
        told_kept = kept if done.deleted else ""
        console.print(f"{safe(run.label)}: nothing to move{told_kept}")
        return
    for move in done.moved:
        if move.target.is_relative_to(run.config.directories.reduced):
            console.print(f"  {safe(str(move.target))}")
    judges = Counter(verdict.by for verdict in done.accepted)
    by = ", ".join(f"{number} by {name}" for name, number in judges.items())
    accepted = f"{len(done.accepted)} accepted ({by})" if by else "0 accepted"
    console.print(
        f"{safe(run.label)}: {safe(accepted)}; {len(done.moved)} files "
        f"moved, {len(done.deleted)} working products deleted"
    )


def _shower(console: Console) -> Any:
    def show(fact: str) -> None:
        console.print(safe(fact), highlight=False)

    return show


def _wishes_of(config: Config, run_id: str, date: str, name: str) -> Wishes:
    """Find the run of an AB, where the command line does not name it."""
    if run_id or date:
        return Wishes(run_id, date, name)
    found = sorted(config.directories.ab.glob(f"*/{_plain_name(name)}"))
    dates = [path.parent.name for path in found]
    places = " and ".join(dates)
    if not dates:
        known = (path.name for path in config.directories.ab.glob("*/*.ab"))
        raise ConfigError(
            f"no AB {name} below {config.directories.ab}{nearest(name, known)}"
        )
    if len(dates) > 1:  # runs and nights may have ABs of the same names
        with open_ledger(config.database) as ledger:
            is_deep = config.mode == "DEEP"
            dates = [d for d in dates if (ledger.run_of(d) is not None) == is_deep]
    if len(dates) != 1:
        raise ConfigError(f"{name} is in {places}: say which with -d DATE")
    return Wishes(date=dates[0], select=name)


def _plain_name(name: str) -> str:
    if not is_safe_name(name):
        raise ConfigError(f"'{name}' is no name of an AB")
    return name


def _check_there(run: Run, name: str) -> None:
    if not run.ab_path(_plain_name(name)).exists():
        known = (path.name for path in run.ab_dir.glob("*.ab"))
        raise ConfigError(f"no AB {name} in {run.ab_dir}{nearest(name, known)}")


def _tell_one(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        answer(_plain(outcome))
    elif not outcome.is_new and outcome.status is AbStatus.SUCCESSFUL:
        typer.echo(f"{outcome.block} is up to date")
    else:
        typer.echo(told(outcome))
    raise SystemExit(0 if outcome.status is AbStatus.SUCCESSFUL else _EXIT_FAILED)
