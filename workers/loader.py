"""The load step: the asset's Arrow file into its table, by ingestr. Called by workers.steps."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from workers import (
    arrow_files,
    castable,
    column_hints,
    connections,
    kept_types,
    load_flags,
    load_proof,
    loading,
    rehearsal,
)
from workers.arrow_files import Data
from workers.castable import Column
from workers.column_hints import Hint
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.errors import StepFailed
from workers.kept_types import Kept
from workers.load_flags import Load
from workers.load_proof import Proof
from workers.loading import Loading, Outcome, Work
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.sql.names import resolve, snake_case


def run(context: StepContext) -> StepResult:
    """Load what the materialize step left; nothing returned is nothing to do."""
    began = time.monotonic()
    connection = connections.of(context).get(context.spec.connection)
    secrets = secret_texts(connection)
    context.mask(secrets)
    recorded = context.previous.get("data")
    if not recorded:
        proof = Proof(rows=0, notices=("no data",))
        return loading.result(context, connection, context.spec.name, proof, began)
    data = arrow_files.verified(context.settings, recorded, context.spec.path, context.stop)
    if not data.names and not data.rows:
        proof = Proof(rows=0, notices=("no data: the asset returned neither rows nor columns",))
    else:
        proof = _load(context, connection, data, Masker(secrets))
        proof = replace(proof, notices=(*proof.notices, *_rounded(data)))
    done = loading.result(context, connection, context.spec.name, proof, began)
    return replace(done, used=str(recorded["path"]))


def _rounded(data: Data) -> list[str]:
    """A notice about decimals in structs: ingestr makes floats of them in JSON."""
    if not data.inexact:
        return []
    names = ", ".join(data.inexact)
    return [f"decimals inside {names} became JSON numbers, which keep 15 digits: load them as text"]


def _load(context: StepContext, connection: Connection, data: Data, masker: Masker) -> Proof:
    table, strategy = context.spec.name, load_flags.strategy_of(context.spec)
    keeps = kept_types.keeps(connection, strategy)
    before = None
    if keeps or strategy == "merge" or _renames(data) or data.valueless:
        before = load_proof.shape_before(connection, table, context.stop)
    columns = before.columns if before else {}
    kept = kept_types.of(data, before) if before and keeps else Kept()
    load = load_flags.build(context.spec, data, connection.type, columns, kept.hints)
    load = _by_texts(data, load)
    if missing := load_proof.missing_columns(data, load, before):
        raise _would_erase(table, missing)
    if before:
        kept_types.sized(connection, before, kept_types.with_fractions(load.hints, before))
    outcome = _carry(context, connection, data, load, masker)
    after = None if kept.all else outcome.columns
    changes = kept_types.changed(columns, after) if after else []
    proof = outcome.proof
    return replace(proof, notices=(*proof.notices, *changes))


def _by_texts(data: Data, load: Load) -> Load:
    """By value where the key holds texts that are no moments: ingestr compares these with moments,
    as texts, and doubles the rows."""
    name = resolve(load.incremental_key, data.names) if load.interval else None
    typed = any(hint.converts and hint.name == load.incremental_key for hint in load.hints)
    if name is None or name not in data.texts or typed:
        return load
    look = Column(Hint(name=name, type="timestamp"))
    with arrow_files.batches(data) as parts:
        for batch in parts:
            look.take(batch.column(name))
    moments = not look.lost and not look.doubtful
    return load if moments else replace(load, interval=None, by_value=True)


def _renames(data: Data) -> bool:
    return any(snake_case(name) != name for name in data.names)


def _carry(
    context: StepContext, connection: Connection, data: Data, load: Load, masker: Masker
) -> Outcome:
    given, plain = data, not _renames(data)
    with tempfile.TemporaryDirectory(prefix="fleet-names-") as folder:
        if load.names:
            data = arrow_files.renamed(data, load.names, Path(folder) / "data.arrow")
        _refuse_lost(context, data, load, Path(folder))
        source = f"mmap://{data.path.absolute()}"
        work = Work(source=source, table=context.spec.name, load=load, rows=data.rows, plain=plain)
        judge: loading.Judge = lambda _: (given, load)  # noqa: E731
        return Loading(context, connection, work, masker, judge).run()


def _refuse_lost(context: StepContext, data: Data, load: Load, folder: Path) -> None:
    """StepFailed before the load if a value cannot have its declared type."""
    hints = {hint: resolve(hint.source or hint.name, data.names) for hint in load.hints}
    looks = [(Column(hint), name) for hint, name in hints.items() if hint.converts and name]
    if not looks:
        return
    with arrow_files.batches(data) as batches:
        for batch in batches:
            for column, name in looks:
                column.take(batch.column(name))
    castable.refuse_lost(column for column, _ in looks)
    doubtful = [(column, name) for column, name in looks if column.doubtful]
    if doubtful:
        part = arrow_files.selected(data, [name for _, name in doubtful], folder / "part.arrow")
        flags = ["--columns", column_hints.flag([column.hint for column, _ in doubtful])]
        made = rehearsal.play(context, f"mmap://{part}", "asset_data", flags, folder)
        looked = [column for column, _ in doubtful]
        rehearsal.compare(
            {column.hint.name: column.values for column in looked},
            made,
            kinds={column.hint.name: column.words for column in looked},
        )


def _would_erase(table: str, missing: list[str]) -> StepFailed:
    names = ", ".join(missing)
    return StepFailed(
        "load",
        f"the data lacks columns that {table} has, and a merge would set them to NULL: {names}",
        hint="return these columns too (their values, or None on purpose), or drop them first",
    )
