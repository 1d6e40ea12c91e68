"""Where the data of a pipeline comes from: tables by asset, columns by column. For `fleet lineage`.

What an asset declares counts first; SQL adds what it reads. Nothing is run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Literal, TypeAlias

from assets_parser.known_tables import KnownTables
from assets_parser.model import Asset, Column, ColumnUpstream, Dependency, Pipeline
from assets_parser.sql_columns import Origin, Output, outputs
from assets_parser.sql_tables import dialect_of, reads

Kind: TypeAlias = Literal["declared", "symbolic", "uri", "read", "external"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A direct upstream: declared in one of three ways, read by the SQL, or no asset of ours.

    `columns` are those that the dependency declares to use.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageColumn:
    """One column of an asset's table, declared or found in its SQL, and where it comes from."""

    name: str
    type: str = ""
    declared: bool = False
    upstreams: tuple[ColumnUpstream, ...] = ()


@dataclass
class Lineage:
    """Of one pipeline; `queries` are the rendered SQL texts of its SQL assets, by name."""

    pipeline: Pipeline
    queries: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def upstreams(self) -> Mapping[str, tuple[Edge, ...]]:
        """The direct upstreams of each asset, declared ones first."""
        known = KnownTables(self._assets)
        return {name: self._edges(asset, known) for name, asset in self._assets.items()}

    @cached_property
    def downstreams(self) -> Mapping[str, tuple[Edge, ...]]:
        """The assets that use each asset or table directly, with the kind of their edge to it."""
        found: dict[str, list[Edge]] = {}
        for name, edges in self.upstreams.items():
            for edge in edges:
                found.setdefault(edge.name, []).append(replace(edge, name=name))
        return {name: tuple(edges) for name, edges in found.items()}

    @cached_property
    def columns(self) -> Mapping[str, tuple[LineageColumn, ...]]:
        """The columns of each asset, upstream first, so that `*` knows what it stands for."""
        found: dict[str, tuple[LineageColumn, ...]] = {}
        for name in self._order():
            found[name] = self._columns(self._assets[name], found)
        return {name: found[name] for name in self._assets}

    @cached_property
    def _assets(self) -> Mapping[str, Asset]:
        return {asset.name: asset for asset in reversed(self.pipeline.assets)}

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """The assets by their names in small letters."""
        return {name.casefold(): name for name in self._assets}

    def _edges(self, asset: Asset, known: KnownTables) -> tuple[Edge, ...]:
        declared = [_declared(one) for one in asset.depends if one.value]
        names = {edge.name for edge in declared} | {asset.name}
        read: list[Edge] = []
        sql, dialect = self.queries.get(asset.name, ""), dialect_of(asset.type)
        for one in reads(sql, dialect) if sql else ():
            ours = next(iter(known.named([one.name])), "")
            if one.use == "word" and not (ours and "." in ours):
                continue  # any word of a text that cannot be parsed
            edge = Edge(name=ours or one.name.casefold(), kind="read" if ours else "external")
            if edge.name not in names:
                names.add(edge.name)
                read.append(edge)
        return (*declared, *read)

    def _order(self) -> list[str]:
        graph = {
            name: [edge.name for edge in edges if edge.name in self._assets]
            for name, edges in self.upstreams.items()
        }
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError:
            return list(graph)  # a `*` over the cycle stays a `*`

    def _columns(
        self, asset: Asset, found: Mapping[str, tuple[LineageColumn, ...]]
    ) -> tuple[LineageColumn, ...]:
        def known(table: str) -> list[str] | None:
            columns = found.get(self._names.get(table, ""), ())
            return [one.name for one in columns] or None

        declared = {column.name.casefold(): column for column in asset.columns}
        sql = self.queries.get(asset.name, "")
        made = outputs(sql, dialect_of(asset.type), asset.name, known) if sql else ()
        inferred = [self._inferred(one, declared, found) for one in _once(made)]
        names = {one.name.casefold() for one in inferred}
        rest = [_own(column) for key, column in declared.items() if key not in names]
        return (*inferred, *rest)

    def _inferred(
        self,
        output: Output,
        declared: Mapping[str, Column],
        found: Mapping[str, tuple[LineageColumn, ...]],
    ) -> LineageColumn:
        own = declared.get(output.name.casefold())
        origins = tuple(self._origin(one) for one in output.origins)
        kind = own.type if own else ""
        if not kind and output.is_copy and len(origins) == 1:
            kind = _type_of(origins[0], found)
        return LineageColumn(
            name=own.name if own else output.name,
            type=kind,
            declared=own is not None,
            upstreams=tuple(dict.fromkeys((*(own.upstreams if own else ()), *origins))),
        )

    def _origin(self, origin: Origin) -> ColumnUpstream:
        table = self._names.get(origin.table, origin.table)
        return ColumnUpstream(table=table, column=origin.column)


def _declared(dependency: Dependency) -> Edge:
    kind: Kind = "declared"
    if dependency.type == "uri":
        kind = "uri"
    elif dependency.mode == "symbolic":
        kind = "symbolic"
    columns = tuple(column.name for column in dependency.columns)
    return Edge(name=dependency.value, kind=kind, columns=columns)


def _own(column: Column) -> LineageColumn:
    return LineageColumn(
        name=column.name, type=column.type, declared=True, upstreams=column.upstreams
    )


def _once(found: Iterable[Output]) -> list[Output]:
    """A repeated name counts once, with the origins of its first."""
    by_name: dict[str, Output] = {}
    for one in found:
        by_name.setdefault(one.name.casefold(), one)
    return list(by_name.values())


def _type_of(origin: ColumnUpstream, found: Mapping[str, tuple[LineageColumn, ...]]) -> str:
    columns = found.get(origin.table, ())
    name = origin.column.casefold()
    return next((one.type for one in columns if one.name.casefold() == name), "")
