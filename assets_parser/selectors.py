"""dbt's grammar for choosing assets, as `--selector` takes it. Called by selection.

A blank is a union, a comma an intersection; `+x`, `2+x`, `x+`, `x+3` add what an asset needs and
what needs it, `@x` adds what needs it with all that those need; `tag:`, `path:`, `file:` and `fqn:`
say what the word after them is. All edges count, symbolic ones too.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from assets_parser import dag
from assets_parser.model import Asset, Pipeline

_TERM = re.compile(
    r"(?P<at>@)?(?:(?P<up>\d*)\+)?(?:(?P<method>[A-Za-z_]\w*):)?(?P<value>[^+@]+?)(?:\+(?P<down>\d*))?"
)
_FILE = re.compile(r"\.(?:py|sql|r|ya?ml|csv)$")
_MANY = 10_000  # terms; more is no selector that somebody wrote
_MOST_STEPS = 9  # digits of a depth


class SelectorError(ValueError):
    """A selector that cannot be read; `hint` says what would be right."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One word of a selector. A depth of None takes no neighbours, -1 all of them."""

    text: str
    method: str
    value: str
    up: int | None = None
    down: int | None = None
    around: bool = False  # @: also all that its descendants need


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The names that a selector takes, and those of its words that nothing fits."""

    names: frozenset[str]
    missed: tuple[str, ...] = ()


def match(pipeline: Pipeline, text: str) -> Matched:
    """What this selector takes of the pipeline. Raises SelectorError."""
    graph = dag.graph(pipeline.assets, symbolic=True)
    names: set[str] = set()
    missed: list[str] = []
    for union in parse(text):
        found = [_taken(pipeline, graph, term) for term in union]
        missed += [term.text for term, taken in zip(union, found, strict=True) if not taken]
        names |= set.intersection(*found)
    return Matched(names=frozenset(names), missed=tuple(dict.fromkeys(missed)))


def parse(text: str) -> list[list[Term]]:
    """The selector as a union of intersections. Raises SelectorError."""
    words = text.split()
    if not words:
        raise SelectorError("the selector is empty", "such as 'mart.revenue+' or 'tag:nightly'")
    if text.count(",") + len(words) > _MANY:
        raise SelectorError(f"the selector has more than {_MANY} words")
    return [[_term(part, word) for part in word.split(",")] for word in words]


def _term(part: str, word: str) -> Term:
    if not part:
        raise SelectorError(
            f"'{word}' has nothing on one side of a comma", "write a,b without blanks"
        )
    found = _TERM.fullmatch(part)
    if found is None:
        raise SelectorError(f"'{part}' is no selector", "such as +name, name+2, @name, tag:word")
    if found["at"] and (found["up"] is not None or found["down"] is not None):
        raise SelectorError(f"'{part}': @ and + do not go together", "@ has all that + would add")
    method = found["method"] or _usual(found["value"])
    if method not in _METHODS:
        raise SelectorError(f"no selector method '{method}'", f"methods: {', '.join(_METHODS)}")
    return Term(
        text=part,
        method=method,
        value=found["value"],
        up=_depth(part, found["up"]),
        down=_depth(part, found["down"]),
        around=bool(found["at"]),
    )


def _usual(value: str) -> str:
    """What a word without a method is, as for dbt: a path, a file, else a name."""
    if "/" in value:
        return "path"
    return "file" if _FILE.search(value) else "fqn"


def _depth(part: str, digits: str | None) -> int | None:
    if digits is None:
        return None
    if len(digits) > _MOST_STEPS:
        raise SelectorError(f"'{part}' counts more steps than any pipeline has")
    return int(digits) if digits else -1


def _taken(pipeline: Pipeline, graph: dag.Graph, term: Term) -> set[str]:
    fits = _METHODS[term.method]
    taken = {asset.name for asset in pipeline.assets if fits(pipeline, asset, term.value)}
    if term.around:
        needing = taken | dag.descendants(graph, taken)
        return needing | dag.ancestors(graph, needing)
    ups = _near(graph.upstreams, taken, term.up)
    return taken | ups | _near(graph.downstreams, taken, term.down)


def _near(edges: dag.Edges, names: Iterable[str], depth: int | None) -> set[str]:
    """All within so many steps; -1 for any number of them."""
    if depth is None:
        return set()
    if depth < 0:
        return dag.reach(edges, names)
    seen = edge = set(names)
    for _ in range(min(depth, len(edges))):
        edge = {other for name in edge for other in edges[name]} - seen
        seen = seen | edge
    return seen


def _by_tag(_: Pipeline, asset: Asset, value: str) -> bool:
    return any(fnmatchcase(tag, value) for tag in asset.tags)


def _by_path(pipeline: Pipeline, asset: Asset, value: str) -> bool:
    """A file, a folder with all below it, or a pattern; from the pipeline's folder or the root."""
    wanted = PurePosixPath(value).as_posix()
    folder = PurePosixPath(pipeline.path).parent
    for path in map(PurePosixPath, _files(asset)):
        places = [path, path.relative_to(folder)] if path.is_relative_to(folder) else [path]
        if any(_is_below(place, wanted) for place in places):
            return True
    return False


def _is_below(path: PurePosixPath, wanted: str) -> bool:
    above = [path, *path.parents]
    return any(fnmatchcase(place.as_posix(), wanted) for place in above)


def _by_file(_: Pipeline, asset: Asset, value: str) -> bool:
    names = [PurePosixPath(path).name for path in _files(asset)]
    return any(fnmatchcase(name, value) or name.partition(".")[0] == value for name in names)


def _by_name(_: Pipeline, asset: Asset, value: str) -> bool:
    """The whole name, its last part, or its first ones, as dbt knows a model."""
    parts, wanted = asset.name.split("."), value.split(".")
    if fnmatchcase(asset.name, value) or fnmatchcase(parts[-1], value):
        return True
    first = zip(parts, wanted, strict=False)
    return len(wanted) < len(parts) and all(fnmatchcase(part, want) for part, want in first)


def _files(asset: Asset) -> list[str]:
    return [path for path in dict.fromkeys((asset.path, asset.body_path)) if path]


_METHODS: Mapping[str, Callable[[Pipeline, Asset, str], bool]] = {
    "fqn": _by_name,
    "tag": _by_tag,
    "path": _by_path,
    "file": _by_file,
}
