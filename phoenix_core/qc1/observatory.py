"""Tables of the observatory, which no instrument owns.

Names are ESO's where public text has them, all else is ours.
"""

from phoenix_core.qc1.tables import Form, Kind, Qc1Table, integer, key, real, text

SCHED_REP = Qc1Table(
    "sched_rep",
    "What was scheduled: a line a run and period.",
    (
        key("run_id", "the run, formal: 094.D-0114(B)", form=Form.RUN_ID),
        key("period", "the period it is scheduled in", Kind.INTEGER),
        text("obs_mode", "SM or VM"),
        text("status", "COMPLETE, TERMINATED, CARRY-OVER or OPEN"),
        text("prog_type", "Normal, Large, GTO, DDT ..."),
        text("pi_coi", "the PI, then the CoIs, separated by semicolons"),
        text("title", "of the proposal"),
        text("abstract", "of the proposal"),
        text("remarks", "of the scheduler"),
    ),
)
DATA_PRODUCTS = Qc1Table(
    "data_products",
    "Raw files in the archive.",
    (
        key("dp_id", "the file, without .fits"),
        text("instrument"),
        text("run_id", "the run, in its formal spelling", Form.RUN_ID),
        text("object", "name of the target, as the PI gave it"),
        integer("ob_id"),
        text("ob_name"),
        text("dpr_catg", "SCIENCE or CALIB"),
        text("dpr_type", "OBJECT, SKY ..."),
        text("ins_mode", "of the instrument"),
        real("exptime", "s", "of the exposure"),
        real("mjd_obs", "d", "start of the exposure"),
        real("ra", "deg", "where the telescope pointed"),
        real("dec", "deg", "where the telescope pointed"),
    ),
    indexed=("run_id", "object"),
)
OB_GRADES = Qc1Table(
    "ob_grades",
    "Grades of executions of OBs: one OB may be executed several times.",
    (
        key("ob_id", "the OB", Kind.INTEGER),
        key("exec_time", "ISO time of the start of the execution"),
        text("run_id", "the run, in its formal spelling", Form.RUN_ID),
        text("grade", "A, B: within the constraints; C, D: not", Form.GRADE),
        text("comment", "of the observer"),
    ),
    indexed=("run_id",),
)
TABLES = (SCHED_REP, DATA_PRODUCTS, OB_GRADES)
