"""The commands' entry points: quick where nothing has to be done."""

import sys
from pathlib import Path

from phoenix_core import __version__


def phoenix() -> None:
    """Run the command ``phoenix``."""
    _begin("phoenix")
    from phoenix_core.commands import cli  # noqa: PLC0415, --version needs none of it

    cli.run(cli.app, "phoenix")


def process_ab() -> None:
    """Run the command ``processAB``."""
    _begin("processAB")
    from phoenix_core.commands import cli  # noqa: PLC0415

    cli.run(cli.process_ab_app, "processAB")


def process_qc() -> None:
    """Run the command ``processQC``."""
    _begin("processQC")
    from phoenix_core.commands import cli  # noqa: PLC0415

    cli.run(cli.process_qc_app, "processQC")


def get_status_ab() -> None:
    """Run the command ``getStatusAB``."""
    _begin("getStatusAB")
    from phoenix_core.commands import cli  # noqa: PLC0415

    cli.run(cli.get_status_ab_app, "getStatusAB")


def get_stat() -> None:
    """Run ``phoenix comment`` under the name of the button on top of the AB monitor."""
    name = Path(sys.argv[0]).name
    _begin(name)
    from phoenix_core.commands import cli  # noqa: PLC0415

    cli.run(cli.get_stat_app, name)


def ingest_products() -> None:
    """Run the command ``ingestProducts``."""
    _begin("ingestProducts")
    from phoenix_core.commands import cli, ingestion  # noqa: PLC0415

    cli.run(ingestion.ingest_products_app, "ingestProducts")


def cleanup_products() -> None:
    """Run the command ``cleanupProducts``."""
    _begin("cleanupProducts")
    from phoenix_core.commands import cli, ingestion  # noqa: PLC0415

    cli.run(ingestion.cleanup_products_app, "cleanupProducts")


def qc1_ingest() -> None:
    """Run the command ``qc1Ingest``, whose keys are no options as others are."""
    _begin("qc1Ingest")
    from phoenix_core.commands import cli  # noqa: PLC0415

    words = sys.argv[1:]
    is_help = words in ([], ["-h"], ["--help"])
    cli.run(cli.qc1_ingest_app, "qc1Ingest", ["--help"] if is_help else ["--", *words])


def phoenix_monitor() -> None:
    """Run the command ``phoenixMonitor``."""
    _begin("phoenixMonitor")
    from phoenix_core.commands import cli  # noqa: PLC0415
    from phoenix_core.commands.monitors import monitor_app  # noqa: PLC0415

    cli.run(monitor_app, "phoenixMonitor")


def dfo_monitor() -> None:
    """Run the command ``dfoMonitor``."""
    _begin("dfoMonitor")
    from phoenix_core.commands import cli  # noqa: PLC0415
    from phoenix_core.commands.monitors import waiting_app  # noqa: PLC0415

    cli.run(waiting_app, "dfoMonitor")


def _begin(name: str) -> None:
    if sys.argv[1:] in (["-v"], ["--version"]):
        sys.stdout.write(f"{name} {__version__}\n")
        raise SystemExit(0)
