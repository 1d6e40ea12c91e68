"""The SQL that a run would send for an asset. Used by `fleet render`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from assets_parser import kinds, prefix
from assets_parser.model import Pipeline
from assets_parser.spec import AssetSpec, RunOptions
from assets_parser.sql_tables import dialect_of
from dispatcher.preparing import Prepared
from dispatcher.problems import FleetError
from workers.sql import strategies
from workers.sql.scripts import BadAsset


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One asset's SQL: the query as it was written, rendered, and all statements of a run."""

    asset: str
    type: str
    path: str
    query: str
    statements: tuple[str, ...]

    @property
    def script(self) -> str:
        """The statements as one script, which a database's own client can run."""
        return "\n\n".join(f"{text.rstrip()}{_end(text)}" for text in self.statements)


def rendered(prepared: Prepared) -> list[Rendered]:
    """The assets of the plan that have SQL. FleetError if none has, or if one cannot be written."""
    plan = prepared.plan
    specs = [spec for spec in plan.assets if {"query", "sensor"} & set(spec.steps)]
    word = prepared.environment.schema_prefix
    found = [_rendered(_prefixed(spec, prepared.pipeline, word), plan.options) for spec in specs]
    found = [one for one in found if one.query or one.statements]
    if not found:
        raise FleetError(_nothing(prepared), hint="fleet render prints what SQL assets would run")
    return found


def document(found: Iterable[Rendered]) -> str:
    """One JSON document; with a single asset its script is also `query`, as with Bruin."""
    assets = [
        {
            "asset": one.asset,
            "type": one.type,
            "path": one.path,
            "query": one.query,
            "statements": one.statements,
        }
        for one in found
    ]
    only = [one.script for one in found]
    single = {"query": only[0]} if len(only) == 1 else {}
    return json.dumps({"v": 1, **single, "assets": assets}, ensure_ascii=False)


def text(found: list[Rendered], *, raw: bool) -> str:
    """The scripts, or the queries alone; each under its asset's name if there are several."""
    if len(found) == 1:
        return _sql(found[0], raw=raw)
    return "\n\n\n".join(f"-- {one.asset} ({one.path})\n{_sql(one, raw=raw)}" for one in found)


def _sql(one: Rendered, *, raw: bool) -> str:
    return one.query if raw else one.script


def _rendered(spec: AssetSpec, options: RunOptions) -> Rendered:
    if "query" not in spec.steps:
        query = str(spec.parameters.get("query", "") or spec.query)
        statements: tuple[str, ...] = (query,) if query else ()
    else:
        query, statements = spec.query, _statements(spec, options)
    return Rendered(
        asset=spec.name,
        type=spec.type,
        path=spec.body_path or spec.path,
        query=query,
        statements=statements,
    )


def _statements(spec: AssetSpec, options: RunOptions) -> tuple[str, ...]:
    try:
        return strategies.script(spec, query_annotations=options.query_annotations).statements
    except BadAsset as error:
        place = f"{spec.path}: " if spec.path else ""
        raise FleetError(f"{place}{spec.name}: {error}", hint=error.hint) from None


def _prefixed(spec: AssetSpec, pipeline: Pipeline, word: str) -> AssetSpec:
    """With the prefixed tables of all assets, not only of those that were named."""
    if not word:
        return spec
    made = {asset.name.casefold() for asset in pipeline.assets if kinds.main_steps(asset)}

    def is_made(name: str) -> bool:
        return name.casefold() in made

    def changed(sql: str) -> str:
        return prefix.with_prefixed_tables(sql, word, is_made, dialect_of(spec.type))

    return prefix.in_texts(spec, changed)


def _nothing(prepared: Prepared) -> str:
    plan = prepared.plan
    if len(plan.assets) == 1:
        return f"{plan.assets[0].name} is of type {plan.assets[0].type}: there is no SQL to render"
    if len(plan.skipped) == 1 and not plan.assets:
        return f"{plan.skipped[0].asset} {plan.skipped[0].reason}"
    return "none of the assets has SQL to render"


def _end(text: str) -> str:
    """The sign between statements, on a line of its own after a comment."""
    last = text.rstrip().rpartition("\n")[2]
    return "\n;" if "--" in last else ";"
