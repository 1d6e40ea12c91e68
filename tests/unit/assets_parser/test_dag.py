"""Levels, cycles and reach of the asset graph."""

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets_parser import dag
from tests.support.pipelines import asset


def test_a_level_is_the_longest_path_to_its_assets() -> None:
    of = dag.from_edges({"d": ["b", "c"], "b": ["a"], "c": ["b"], "a": [], "e": ["a"]})
    assert dag.levels(of) == [("a",), ("b", "e"), ("c",), ("d",)]


def test_edges_to_unknown_assets_and_repeated_ones_are_left_out() -> None:
    of = dag.from_edges({"a": ["zz", "b", "b"], "b": []})
    assert of.upstreams == {"a": ("b",), "b": ()}


def test_uri_and_symbolic_dependencies_are_not_waited_for() -> None:
    assets = [asset("a"), asset("b", "~a")]
    assert dag.levels(dag.graph(assets)) == [("a", "b")]
    assert dag.levels(dag.graph(assets, symbolic=True)) == [("a",), ("b",)]


def test_a_cycle_is_named_asset_by_asset_and_each_only_once() -> None:
    of = dag.from_edges({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"], "d": ["d"], "e": ["c"]})
    assert dag.cycles(of) == [("a", "b", "c", "a"), ("d", "d")]


def test_what_hangs_between_two_cycles_is_in_none() -> None:
    of = dag.from_edges({"a": ["b"], "b": ["a"], "m": ["a"], "y": ["z", "m"], "z": ["y"]})
    assert dag.cycles(of) == [("a", "b", "a"), ("y", "z", "y")]


def test_ancestors_and_descendants_go_all_the_way() -> None:
    of = dag.from_edges({"a": [], "b": ["a"], "c": ["b"], "d": []})
    assert dag.ancestors(of, ["c"]) == {"a", "b"}
    assert dag.descendants(of, ["a"]) == {"b", "c"}


def test_a_chain_of_thousands_does_not_recurse() -> None:
    of = dag.from_edges({f"n{i}": [f"n{i - 1}"] for i in range(5000)})
    assert len(dag.levels(of)) == 5000
    assert dag.cycles(dag.from_edges({f"n{i}": [f"n{(i + 1) % 3000}"] for i in range(3000)}))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), max_size=4), max_size=12))
def test_either_there_are_levels_in_order_or_there_is_a_cycle(edges: dict[int, set[int]]) -> None:
    of = dag.from_edges({str(name): [str(up) for up in ups] for name, ups in edges.items()})
    found = dag.cycles(of)
    for cycle in found:
        assert cycle[0] == cycle[-1]
        assert all(b in of.upstreams[a] for a, b in pairwise(cycle))
    if not found:
        place = {name: i for i, level in enumerate(dag.levels(of)) for name in level}
        assert all(place[up] < place[name] for name in of.names for up in of.upstreams[name])
