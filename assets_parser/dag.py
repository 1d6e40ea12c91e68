"""The graph of a pipeline's assets: who waits for whom, in which level, and where it is a circle.

Used by validation (cycles), selection (ancestors, descendants) and plan (levels).
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from assets_parser.model import Asset

Edges = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Graph:
    """Assets in load order with their direct upstreams and downstreams, all of this graph."""

    upstreams: Edges
    downstreams: Edges

    @property
    def names(self) -> tuple[str, ...]:
        """The assets, in load order."""
        return tuple(self.upstreams)


def graph(assets: Iterable[Asset], *, symbolic: bool = False) -> Graph:
    """The graph of these assets; edges to others are left out, symbolic ones unless wanted.

    Dependencies on a uri are never edges: they name something outside of the pipeline.
    """
    wanted = {asset.name: _targets(asset, symbolic) for asset in reversed(list(assets))}
    return from_edges(dict(reversed(wanted.items())))


def from_edges(upstreams: Mapping[str, Iterable[str]]) -> Graph:
    """The graph of these upstreams; names that are no key of their own are left out."""
    ups = {
        name: tuple(up for up in dict.fromkeys(found) if up in upstreams)
        for name, found in upstreams.items()
    }
    downs: dict[str, list[str]] = {name: [] for name in ups}
    for name, found in ups.items():
        for up in found:
            downs[up].append(name)
    return Graph(ups, {name: tuple(found) for name, found in downs.items()})


def symbolic(assets: Iterable[Asset]) -> Edges:
    """The dependencies of each asset that are lineage only."""
    return {
        asset.name: tuple(one.value for one in asset.depends if one.mode == "symbolic")
        for asset in assets
    }


def levels(of: Graph) -> list[tuple[str, ...]]:
    """Assets by the longest path to them: each level needs earlier ones only.

    Raises graphlib.CycleError if there is a cycle.
    """
    depth: dict[str, int] = {}
    for name in TopologicalSorter(of.upstreams).static_order():
        depth[name] = 1 + max((depth[up] for up in of.upstreams[name]), default=-1)
    found: list[list[str]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for name in of.upstreams:
        found[depth[name]].append(name)
    return [tuple(level) for level in found]


def ancestors(of: Graph, names: Iterable[str]) -> set[str]:
    """All that these assets need, directly or not, without themselves unless in a cycle."""
    return reach(of.upstreams, names)


def descendants(of: Graph, names: Iterable[str]) -> set[str]:
    """All that need these assets, directly or not, without themselves unless in a cycle."""
    return reach(of.downstreams, names)


def reach(edges: Edges, names: Iterable[str]) -> set[str]:
    """All that these edges lead to from the names, one step or many away."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def cycles(of: Graph) -> list[tuple[str, ...]]:
    """Shortest cycles until each asset that is in one was named, such as ("a", "b", "a").

    Each name depends on the one after it.
    """
    rest = _without_ends(of)
    found: list[tuple[str, ...]] = []
    named: set[str] = set()
    for name in of.upstreams:
        if name in rest and name not in named and (cycle := _cycle_through(of, name, rest)):
            found.append(cycle)
            named.update(cycle)
    return found


def _targets(asset: Asset, symbolic: bool) -> list[str]:
    return [
        dependency.value
        for dependency in asset.depends
        if dependency.type == "asset" and (symbolic or dependency.mode == "full")
    ]


def _without_ends(of: Graph) -> set[str]:
    """What is left after taking away, again and again, assets that need nothing that is left."""
    missing = {name: len(ups) for name, ups in of.upstreams.items()}
    ready = [name for name, count in missing.items() if not count]
    while ready:
        name = ready.pop()
        del missing[name]
        for down in of.downstreams[name]:
            missing[down] -= 1
            if not missing[down]:
                ready.append(down)
    return set(missing)


def _cycle_through(of: Graph, start: str, within: set[str]) -> tuple[str, ...]:
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for up in of.upstreams[name]:
            if up == start:
                return _path(came_from, start, name)
            if up in within and up not in came_from:
                came_from[up] = name
                waiting.append(up)
    return ()


def _path(came_from: Mapping[str, str], start: str, last: str) -> tuple[str, ...]:
    """From `start` over `last` back to `start`."""
    path = [last]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return (*reversed(path), start)
