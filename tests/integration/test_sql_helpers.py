"""The SQL helpers of templates, run as SQL on DuckDB and PostgreSQL."""

import hashlib
import math
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from assets_parser.sql_helpers import SqlHelpers
from assets_parser.templates import Renderer
from tests.support import warehouse
from tests.support.postgres import link_to

Ask = Callable[[str], list[tuple[Any, ...]]]
EVENTS = "(values (1, 'a', 10), (1, 'b', 30), (2, 'c', 20), (2, 'c', 5)) as e(id, kind, n)"
URL = "'https://shop.example/a/b?x=1&utm_source=mail&y='"


@pytest.fixture(scope="module")
def server() -> Iterator[warehouse.Server]:
    """One PostgreSQL for this module."""
    with warehouse.running() as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Renders a template for an engine and runs it there; the rows."""
    dialect = str(request.param)
    renderer = Renderer({"bruin": SqlHelpers(dialect)})
    if dialect == "duckdb":
        with duckdb.connect() as engine:
            yield lambda text: engine.execute(renderer.render(text)).fetchall()
        return
    folder = tmp_path_factory.mktemp("postgres")
    database = request.getfixturevalue("server").target(folder).connection
    with link_to(database.fields) as link:
        yield lambda text: link.execute(renderer.render(text)).fetchall()


def test_group_by_names_the_first_columns(ask: Ask) -> None:
    text = f"select id, kind, sum(n) from {EVENTS} {{{{ bruin.group_by(2) }}}} order by 1, 2"
    assert ask(text) == [(1, "a", 10), (1, "b", 30), (2, "c", 25)]


def test_arithmetic_is_safe_from_zero_and_null(ask: Ask) -> None:
    text = (
        "select {{ bruin.safe_divide('1', '0') }}, {{ bruin.safe_divide('6.0', '2') }}, "
        "{{ bruin.safe_add('1', 'null::int', '2') }}, {{ bruin.safe_subtract(['5', 'null::int']) }}"
    )
    assert ask(text) == [(None, 3, 3, 5)]


def test_a_surrogate_key_is_the_hash_of_the_fields(ask: Ask) -> None:
    text = (
        "select {{ bruin.generate_surrogate_key(['1', 'null', \"'x'\"]) }}, "
        "{{ bruin.generate_surrogate_key('7') }}"
    )
    both = b"1-_bruin_surrogate_key_null_-x", b"7"
    assert ask(text) == [tuple(hashlib.md5(one).hexdigest() for one in both)]


def test_pivot_makes_a_column_of_each_value(ask: Ask) -> None:
    text = (
        "select id, {{ bruin.pivot('kind', ['a', 'b', \"it's\"], then_value='n') }}, "
        "{{ bruin.pivot('kind', ['c'], agg='count', distinct=true, then_value='n', "
        "else_value='null', prefix='Number of ', quote_identifiers=false) }} "
        f"from {EVENTS} group by id order by id"
    )
    assert ask(f'select id, a, b, "it\'s", number_of_c from ({text}) as t') == [
        (1, 10, 30, 0, 0),
        (2, 0, 0, 0, 2),
    ]


def test_the_distance_of_two_cities(ask: Ask) -> None:
    paris_berlin = "48.8566, 2.3522, 52.52, 13.405"
    text = (
        f"select {{{{ bruin.haversine_distance({paris_berlin}) }}}}, "
        f"{{{{ bruin.haversine_distance({paris_berlin}, unit='km') }}}}, "
        "{{ bruin.degrees_to_radians('90 + 90') }}"
    )
    ((miles, kilometres, half_turn),) = ask(text)
    assert miles == pytest.approx(545.7, abs=0.5)
    assert kilometres == pytest.approx(878.2, abs=0.8)
    assert half_turn == pytest.approx(math.pi)


def test_width_bucket_counts_from_one_between_the_ends(ask: Ask) -> None:
    text = (
        "select {{ bruin.width_bucket('x', '0', '1', '10') }} from "
        "(values (-0.1), (0), (0.05), (0.3), (0.7), (0.99999), (1), (7)) as t(x) order by x"
    )
    assert [row[0] for row in ask(text)] == [0, 1, 1, 4, 8, 10, 11, 11]


def test_deduplicate_keeps_the_first_row_of_each_part(ask: Ask) -> None:
    text = "select * from ({{ bruin.deduplicate('src', 'id', 'n desc') }}) as t order by id"
    rows = ask(f"with src as (select * from {EVENTS}) {text}")
    assert rows == [(1, "b", 30), (2, "c", 20)]


def test_a_series_of_numbers(ask: Ask) -> None:
    assert ask("{{ bruin.generate_series(3) }}") == [(1,), (2,), (3,)]
    assert ask("{{ bruin.generate_series(0) }}") == []


def test_a_spine_of_dates_ends_before_its_end(ask: Ask) -> None:
    days = ask("""{{ bruin.date_spine('day', "'2024-02-28'", "'2024-03-01'") }}""")
    assert days == [(date(2024, 2, 28),), (date(2024, 2, 29),)]
    quarters = ask("""{{ bruin.date_spine('quarter', "'2024-01-01'", "'2024-07-02'") }}""")
    assert [one[0].month for one in quarters] == [1, 4, 7]
    hours = ask("""{{ bruin.date_spine('hour', "'2024-01-01'", "'2024-01-01 02:00:00'") }}""")
    assert hours == [(datetime(2024, 1, 1, 0),), (datetime(2024, 1, 1, 1),)]
    assert ask("""{{ bruin.date_spine('week', "'2024-01-02'", "'2024-01-01'") }}""") == []


def test_parts_of_a_url(ask: Ask) -> None:
    text = (
        "select {{ bruin.get_url_host(url) }}, {{ bruin.get_url_path(url) }}, "
        "{{ bruin.get_url_parameter(url, 'utm_source') }}, {{ bruin.get_url_parameter(url, 'y') }}"
    )
    assert ask('{% set url = "' + URL + '" %}' + text) == [("shop.example", "a/b", "mail", None)]


def test_a_slug_is_a_plain_name(ask: Ask) -> None:
    assert ask("select 1 as {{ bruin.slugify('2nd Row - of It!') }}") == [(1,)]
