"""The tables of the catalog. Times are seconds since 1970 in UTC, by the database's clock.

Everything in catalog/ builds its statements from these classes; nobody outside does. Texts named
`*_json` hold JSON. No column ever holds a secret.
"""

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from catalog.base import Base

_RUN = "runs.id"

metadata = Base.metadata  # what the migrations lead to


class Run(Base):
    """One execution of a plan. `stop_state` is what it will be once nothing of it runs any more."""

    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(primary_key=True)
    fleet: Mapped[str]
    pipeline: Mapped[str]
    path: Mapped[str]  # the pipeline file, relative to `project`
    project: Mapped[str]  # the absolute project root
    config: Mapped[str]  # the .bruin.yml that connections come from; empty for the worker's own
    bundle: Mapped[str] = mapped_column(default="")
    environment: Mapped[str]
    options_json: Mapped[str]
    submitter: Mapped[str]  # user@host, pid
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    level: Mapped[int] = mapped_column(default=-1)  # the level that runs now
    levels: Mapped[int]
    assets: Mapped[int]  # how many the plan holds
    counts_json: Mapped[str] = mapped_column(default="")  # asset runs by state, once it has ended
    stop_state: Mapped[str] = mapped_column(default="")
    stop_reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    deadline: Mapped[float]
    changed_at: Mapped[float]
    shape: Mapped[str] = mapped_column(default="")  # of the pipeline, as assets_parser.remaining
    contract: Mapped[int] = mapped_column(default=0)  # workers.contract.VERSION of who submitted it
    __table_args__ = (
        Index(None, "fleet", "state"),
        Index(None, "created_at"),
        Index(None, "pipeline", "created_at"),
    )


class AssetRun(Base):
    """One asset in a run. `blocks` says that what depends on it must not run."""

    __tablename__ = "asset_runs"
    run_id: Mapped[str] = mapped_column(ForeignKey(_RUN, ondelete="CASCADE"), primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]  # in the plan's order
    level: Mapped[int]  # -1 for what the plan leaves out
    steps: Mapped[str]  # their names in order, separated by commas
    spec_json: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    blocks: Mapped[bool] = mapped_column(default=False)
    step: Mapped[str] = mapped_column(default="")  # the one that runs, waits or ended last
    rows: Mapped[int | None]
    checks_passed: Mapped[int | None]
    checks_failed: Mapped[int | None]
    error_json: Mapped[str] = mapped_column(default="")
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    changed_at: Mapped[float]
    __table_args__ = (Index(None, "run_id", "level", "state"),)


class Edge(Base):
    """An asset of a run must not have failed for another to run."""

    __tablename__ = "edges"
    run_id: Mapped[str] = mapped_column(ForeignKey(_RUN, ondelete="CASCADE"), primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    upstream: Mapped[str] = mapped_column(primary_key=True)


class StepRun(Base):
    """One step of an asset run, with the claim of the attempt that runs it now.

    `token` is the id of that attempt; its negative marks a claim whose lock was taken over.
    """

    __tablename__ = "steps"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[str]
    asset: Mapped[str]
    position: Mapped[int]
    step: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    number: Mapped[int] = mapped_column(default=0)  # attempts so far
    attempts_allowed: Mapped[int] = mapped_column(default=1)
    retries_delay: Mapped[float] = mapped_column(default=0.0)  # seconds
    not_before: Mapped[float] = mapped_column(default=0.0)
    waiting_on: Mapped[str] = mapped_column(default="")  # the name of a lock
    waiting_since: Mapped[float | None]
    queued_at: Mapped[float | None]
    sent_at: Mapped[float | None]
    sends: Mapped[int] = mapped_column(default=0)
    token: Mapped[int | None]
    worker: Mapped[str] = mapped_column(default="")
    pid: Mapped[int | None]
    lease_until: Mapped[float | None]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    progress_json: Mapped[str] = mapped_column(default="")
    result_json: Mapped[str] = mapped_column(default="")
    error_json: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[float]
    begun_at: Mapped[float | None]  # the first claim of this try, however often it waited since
    losses: Mapped[int] = mapped_column(default=0)  # attempts that went with their whole worker
    deaths: Mapped[int] = mapped_column(default=0)  # attempts whose own process was killed
    queue: Mapped[str] = mapped_column(default="")  # where it was sent last
    __table_args__ = (
        ForeignKeyConstraint(
            ["run_id", "asset"], ["asset_runs.run_id", "asset_runs.asset"], ondelete="CASCADE"
        ),
        Index(None, "run_id", "asset", "position", unique=True),
        Index(None, "state", "waiting_on", "not_before"),
        Index(None, "token"),
    )


class Attempt(Base):
    """One try of a step. Its id is the fencing token: later claims have greater ones."""

    __tablename__ = "attempts"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey(_RUN, ondelete="CASCADE"))
    asset: Mapped[str]
    step: Mapped[str]
    number: Mapped[int]
    state: Mapped[str]
    worker: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
    result_json: Mapped[str] = mapped_column(default="")
    error_json: Mapped[str] = mapped_column(default="")
    host: Mapped[str] = mapped_column(default="")  # where it ran
    __table_args__ = (
        Index(None, "run_id", "asset"),
        {"sqlite_autoincrement": True},  # a token is never given twice
    )


class CheckResult(Base):
    """What one quality check saw in one attempt."""

    __tablename__ = "check_results"
    attempt_id: Mapped[int] = mapped_column(
        ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[str] = mapped_column(ForeignKey(_RUN, ondelete="CASCADE"))
    asset: Mapped[str]
    check_id: Mapped[str]
    name: Mapped[str]
    column: Mapped[str]
    blocking: Mapped[bool]
    passed: Mapped[bool]
    observed: Mapped[str]
    expected: Mapped[str]
    query: Mapped[str]
    message: Mapped[str]
    seconds: Mapped[float]
    __table_args__ = (Index(None, "run_id", "asset"),)


class Artifact(Base):
    """A stored value that a run produced; the row outlives its file."""

    __tablename__ = "artifacts"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey(_RUN, ondelete="CASCADE"))
    asset: Mapped[str]
    label: Mapped[str]
    kind: Mapped[str]  # data, log
    path: Mapped[str]  # relative to storage
    schema_json: Mapped[str] = mapped_column(default="")
    rows: Mapped[int | None]
    bytes: Mapped[int | None]
    digest: Mapped[str] = mapped_column(default="")
    created_at: Mapped[float]
    removed_at: Mapped[float | None]
    __table_args__ = (Index(None, "run_id", "asset", "label", unique=True),)


class Worker(Base):
    """One worker process and its heartbeat."""

    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(primary_key=True)
    fleet: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    slots: Mapped[int]
    queues_json: Mapped[str]
    pythons_json: Mapped[str]
    info_json: Mapped[str]
    started_at: Mapped[float]
    beat_at: Mapped[float]
    left_at: Mapped[float | None]
    contract: Mapped[int] = mapped_column(default=0)  # workers.contract.VERSION that it speaks
    drain_at: Mapped[float | None]  # somebody asked it to take nothing new
    alone_step: Mapped[int | None]  # the step that must have no other beside it, as it kills
    alone_until: Mapped[float | None]  # until then its place is kept free, also if it waits
    __table_args__ = (Index(None, "fleet", "beat_at"),)


class Lock(Base):
    """One slot of a named lock. It is free without a token, or when its holder's lease is over."""

    __tablename__ = "locks"
    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[int | None]
    run_id: Mapped[str] = mapped_column(default="")
    asset: Mapped[str] = mapped_column(default="")
    step: Mapped[str] = mapped_column(default="")
    what: Mapped[str] = mapped_column(default="")
    taken_at: Mapped[float | None]
    __table_args__ = (Index(None, "token"),)


class Resolution(Base):
    """What a requirements text was resolved to, so that one run never mixes versions."""

    __tablename__ = "resolutions"
    key: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    created_at: Mapped[float]


class Fact(Base):
    """What holds for the whole catalog: its identity, the host that owns a SQLite file, keys."""

    __tablename__ = "facts"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    changed_at: Mapped[float]


class Bundle(Base):
    """A project's files as workers receive them, content-addressed."""

    __tablename__ = "bundles"
    digest: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str]  # of the archive, relative to storage; never used again once removed
    bytes: Mapped[int]  # of the archive
    archive: Mapped[str]  # the archive's own digest
    files: Mapped[int]
    content_bytes: Mapped[int]  # of the files together
    created_at: Mapped[float]  # or asked for again
    removed_at: Mapped[float | None]


class FileHome(Base):
    """A database file that the fleet writes, and the host that it belongs to."""

    __tablename__ = "file_homes"
    identity: Mapped[str] = mapped_column(primary_key=True)  # stored beside the file too
    host: Mapped[str]
    path: Mapped[str]  # as its host names it
    created_at: Mapped[float]
    __table_args__ = (Index(None, "host", "path"),)
