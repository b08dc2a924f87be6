"""Grades and comments of OBs, from the QC1 database."""

from muse_deep_plugin.conversion.idp_cards import Grade
from phoenix_core.config import Config


def grades_of(config: Config) -> dict[int, Grade]:
    """Return grade and comment of each OB: those of its last execution.

    Raises:
        ConfigError: the database does not answer.
    """
    import sqlalchemy as sa  # noqa: PLC0415, costs start-up

    from phoenix_core.qc1.database import open_qc1  # noqa: PLC0415
    from phoenix_core.qc1.observatory import OB_GRADES  # noqa: PLC0415
    from phoenix_core.qc1.schema import as_sql  # noqa: PLC0415

    table = as_sql(OB_GRADES, sa.MetaData())
    asked = sa.select(table.c.ob_id, table.c.grade, table.c.comment)
    with open_qc1(config.database) as engine, engine.connect() as connection:
        rows = connection.execute(asked.order_by(table.c.exec_time)).all()
    return {row.ob_id: Grade(row.grade or "", row.comment or "") for row in rows}
