"""What feeds an asset and what it feeds, for screens and programs. Used by `fleet lineage`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from assets_parser import interval as intervals
from assets_parser.lineage import Edge, Lineage, LineageColumn
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.used_tables import without_templates
from assets_parser.spec import RunOptions
from assets_parser.specs import SpecMaker
from dispatcher import tables
from dispatcher.terminal import Terminal, printable
from dispatcher.words import some

_KINDS: Mapping[str, str] = {  # what a person reads about an edge
    "declared": "",
    "symbolic": "symbolic: never waited for",
    "uri": "of another pipeline",
    "read": "read by the SQL, not in depends",
    "external": "no asset of this pipeline",
}
_MOST_LINES = 2_000  # of one tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to show: all levels or the next one, which directions, the columns."""

    full: bool = False
    up: bool = True
    down: bool = True
    columns: bool = False


def lineage(pipeline: Pipeline, given: Mapping[str, object], variant: str) -> Lineage:
    """The lineage with the SQL rendered for yesterday; `given` are the values of --var.

    A text that cannot be rendered is taken with words instead of its templates.
    """
    usual = intervals.default_interval(datetime.now(UTC))
    options = RunOptions(
        start=usual.start.isoformat(),
        end=usual.end.isoformat(),
        execution=usual.execution.isoformat(),
        variables=given,
        variant=variant,
    )
    make = SpecMaker(pipeline=pipeline, options=options)
    queries = {
        asset.name: _query(make, asset) for asset in pipeline.assets if asset.type.endswith(".sql")
    }
    return Lineage(pipeline, queries)


def _query(make: SpecMaker, asset: Asset) -> str:
    before = len(make.faults)
    query = make.spec(asset, ("query",), ()).query
    return query if len(make.faults) == before else without_templates(asset.body)


def document(found: Lineage, asset: Asset, wish: Wish) -> str:
    """One JSON document; `distance` counts the edges to the asset."""
    made: dict[str, object] = {
        "v": 1,
        "asset": {"name": asset.name, "type": asset.type, "path": asset.path},
    }
    if wish.up:
        made["upstreams"] = list(_reached(found.upstreams, asset.name, wish))
    if wish.down:
        made["downstreams"] = list(_reached(found.downstreams, asset.name, wish))
    if wish.columns:
        made["columns"] = [asdict(column) for column in found.columns[asset.name]]
    return json.dumps(made, ensure_ascii=False)


def _reached(
    edges: Mapping[str, tuple[Edge, ...]], start: str, wish: Wish
) -> Iterator[dict[str, object]]:
    seen, names, distance = {start}, [start], 0
    while names and (wish.full or distance == 0):
        distance += 1
        found = [(name, edge) for name in names for edge in edges.get(name, ())]
        names = []
        for of, edge in found:
            if edge.name not in seen:
                seen.add(edge.name)
                names.append(edge.name)
                yield {**asdict(edge), "distance": distance, "of": of}


def show(terminal: Terminal, found: Lineage, asset: Asset, wish: Wish) -> None:
    """Print the asset, a tree of each direction, and its columns."""
    types = {one.name: one.type for one in found.pipeline.assets}
    name = terminal.style(printable(asset.name), bold=True)
    terminal.line(f"{name} · {printable(asset.type)} · {printable(asset.path)}")
    if wish.up:
        _section(terminal, "upstream", _Tree(terminal, found.upstreams, types, wish.full), asset)
    if wish.down:
        _section(
            terminal, "downstream", _Tree(terminal, found.downstreams, types, wish.full), asset
        )
    if wish.columns:
        _columns(terminal, found.columns[asset.name])


def _section(terminal: Terminal, title: str, tree: "_Tree", asset: Asset) -> None:
    lines = list(tree.lines(asset.name))
    terminal.line(f"\n{title}" if lines else f"\n{title}  none")
    for line in tables.columns(lines[:_MOST_LINES]):
        terminal.line(terminal.cut(line))
    if len(lines) > _MOST_LINES:
        terminal.line(f"and {some(len(lines) - _MOST_LINES, 'line')} more; --json has all")


@dataclass
class _Tree:
    """The rows of a tree; what was shown before is only named again."""

    terminal: Terminal
    edges: Mapping[str, tuple[Edge, ...]]
    types: Mapping[str, str]
    full: bool

    def lines(self, start: str) -> Iterator[tuple[str, str, str]]:
        """Name with its branch, type, and what is to be said about the edge."""
        seen = {start}
        waiting = self._below(start, "")
        while waiting:
            branch, stem, edge = waiting.pop()
            again = edge.name in seen
            seen.add(edge.name)
            below = self._below(edge.name, stem) if self.full and not again else []
            waiting += below
            more = "see above" if again and self.full and self.edges.get(edge.name) else ""
            kind = printable(self.types.get(edge.name, ""))
            yield branch + printable(edge.name), kind, self._said(edge, more)

    def _below(self, name: str, stem: str) -> list[tuple[str, str, Edge]]:
        """The edges of one asset, last one first, as a stack needs them."""
        found = self.edges.get(name, ())
        fork, last, line = ("├─ ", "└─ ", "│  ") if self.terminal.unicode else ("|- ", "`- ", "|  ")
        made = [(stem + fork, stem + line, edge) for edge in found[:-1]]
        made += [(stem + last, stem + "   ", edge) for edge in found[-1:]]
        return made[::-1]

    def _said(self, edge: Edge, more: str) -> str:
        uses = printable(f"uses {', '.join(edge.columns)}") if edge.columns else ""
        said = ", ".join(filter(None, (_KINDS[edge.kind], uses, more)))
        return self.terminal.style(said, dim=True)


def _columns(terminal: Terminal, columns: tuple[LineageColumn, ...]) -> None:
    if not columns:
        terminal.line("\ncolumns  none are declared, and none found in SQL")
        return
    terminal.line("\ncolumns")
    rows = [(printable(one.name), printable(one.type), _sources(one)) for one in columns]
    for line in tables.columns(rows):
        terminal.line(terminal.cut(line))


def _sources(column: LineageColumn) -> str:
    return printable(", ".join(f"{one.table}.{one.column}" for one in column.upstreams)) or "-"
