"""The grocer: fifty assets and 320 checks on one DuckDB file, with default settings.

Its figures are computed once more by plain Python from the seeds, without any of its SQL.
"""

import csv
import datetime
import zlib
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.support.cli import Cli
from tests.support.project import Project, example

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]  # the first test waits for all runs

DAYS = 60
FIRST = datetime.date(2026, 1, 1)


@pytest.fixture(scope="module")
def grocer(shared: Cli, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The grocer after two runs: the second one replaces, merges and appends."""
    project = example("grocer", tmp_path_factory.mktemp("grocer"))
    project.database = "data/grocer.duckdb"
    for _ in range(2):
        done = Cli(shared.home, project.folder, shared.environ)("run", ".", timeout=300)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
        assert "50 succeeded · 320 of 320 checks passed" in done.stdout.splitlines()[-1]
    return project


def roll(*parts: object, sides: int) -> int:
    return zlib.crc32("|".join(map(str, parts)).encode()) % sides


def seed(project: Project, name: str) -> list[dict[str, str]]:
    with (project.folder / "assets" / "raw" / "data" / f"{name}.csv").open(
        encoding="utf-8"
    ) as file:
        return list(csv.DictReader(file))


def prices(project: Project) -> dict[tuple[int, datetime.date], Decimal]:
    """The price of each product on each day: the cheapest promotion, else the usual price."""
    usual = {int(p["product_id"]): Decimal(p["unit_price"]) for p in seed(project, "products")}
    days = [FIRST + datetime.timedelta(days=n) for n in range(DAYS)]
    found = {(product, day): price for product, price in usual.items() for day in days}
    for one in seed(project, "promotions"):
        product = int(one["product_id"])
        cut = usual[product] * (100 - int(one["percent"])) / 100
        price = cut.quantize(Decimal("0.01"), ROUND_HALF_UP)
        for day in days:
            if one["starts_on"] <= day.isoformat() <= one["ends_on"]:
                found[product, day] = min(found[product, day], price)
    return found


def sold(project: Project) -> list[tuple[int, datetime.date, int, Decimal]]:
    """Order, day, product and revenue of each line of an order that was not cancelled."""
    price = prices(project)
    lines = []
    for n in range(DAYS * 40):
        day = FIRST + datetime.timedelta(days=n // 40)
        if roll("status", n, sides=25):
            for line in range(1 + roll("lines", n, sides=5)):
                product = 1 + (roll("product", n, sides=120) + 17 * line) % 120
                pieces = 1 + roll("quantity", n, line, sides=6)
                lines.append((n, day, product, pieces * price[product, day]))
    return lines


def test_revenue_is_what_plain_python_computes(grocer: Project) -> None:
    expected: dict[datetime.date, Decimal] = defaultdict(Decimal)
    for _, day, _, revenue in sold(grocer):
        expected[day] += revenue
    found = dict(grocer.rows("SELECT day, revenue FROM marts.daily_sales"))
    assert {day: Decimal(str(value)) for day, value in found.items()} == dict(expected)


def test_members_are_worth_what_they_bought(grocer: Project) -> None:
    expected: dict[int, Decimal] = defaultdict(Decimal)
    for order, _, _, revenue in sold(grocer):
        expected[1 + roll("customer", order, sides=300)] += revenue
    found = dict(
        grocer.rows("SELECT customer_id, revenue FROM marts.customer_value WHERE orders > 0")
    )
    assert {who: Decimal(str(value)) for who, value in found.items()} == dict(expected)
    vips = sum(value >= 250 for value in expected.values())
    assert grocer.rows("SELECT count(*) FROM marts.customer_value WHERE segment = 'vip'") == [
        (vips,)
    ]


def test_pairs_of_products_are_counted(grocer: Project) -> None:
    baskets: dict[int, set[int]] = defaultdict(set)
    for order, _, product, _ in sold(grocer):
        baskets[order].add(product)
    pairs = Counter((a, b) for basket in baskets.values() for a in basket for b in basket if a < b)
    often = {(*pair, count) for pair, count in pairs.items() if count >= 3}
    found = grocer.rows("SELECT product_a, product_b, orders FROM marts.basket_pairs")
    assert set(found) == often


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("raw.products", 120),  # a seed
        ("raw.orders", DAYS * 40),  # create+replace
        ("audit.row_counts", 2),  # append: one row for each run
        ("core.calendar", DAYS),
    ],
)
def test_tables_hold_what_their_strategy_promises(grocer: Project, table: str, rows: int) -> None:
    assert grocer.rows(f"SELECT count(*) FROM {table}") == [(rows,)]


def test_views_stay_views_and_types_are_kept(grocer: Project) -> None:
    views = grocer.rows("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1")
    names = [name for (name,) in views]
    assert names == sorted(
        [
            "categories",
            "deliveries",
            "newsletter_effect",
            "payments",
            "stock",
            "stores",
            "suppliers",
        ]
    )
    types = dict(
        grocer.rows("SELECT column_name, column_type FROM (DESCRIBE core.fct_order_lines)")
    )
    assert types["price"] == "DECIMAL(10,2)"
    assert types["ordered_on"] == "DATE"


def test_scripts_wrote_their_files(grocer: Project) -> None:
    """One opens the database by its secret, one starts a program beside it."""
    out = grocer.folder / "out"
    with (out / "prices.csv").open(encoding="utf-8") as file:
        listed = {int(row["product_id"]): row["unit_price"] for row in csv.DictReader(file)}
    assert listed == {int(p["product_id"]): p["unit_price"] for p in seed(grocer, "products")}
    orders = len({order for order, day, *_ in sold(grocer) if day >= datetime.date(2026, 2, 23)})
    assert f"{orders} orders" in (out / "digest.md").read_text("utf-8")
