"""The BRUIN_* variables that an asset sees."""

from assets_parser.environment import AssetContext, variables
from assets_parser.interval import Interval, parse_moment

INTERVAL = Interval(
    start=parse_moment("2024-01-31"),
    end=parse_moment("2024-01-31T23:59:59.999999"),
    execution=parse_moment("2024-02-01T03:04:05+02:00"),
)
PLAIN = AssetContext(pipeline="shop", asset="raw.a", run_id="2024_01_31", interval=INTERVAL)


def test_all_variables_are_there_in_bruins_formats() -> None:
    assert variables(PLAIN) == {
        "BRUIN_START_DATE": "2024-01-31",
        "BRUIN_START_DATETIME": "2024-01-31T00:00:00",
        "BRUIN_START_TIMESTAMP": "2024-01-31T00:00:00.000000Z",
        "BRUIN_END_DATE": "2024-01-31",
        "BRUIN_END_DATETIME": "2024-01-31T23:59:59",
        "BRUIN_END_TIMESTAMP": "2024-01-31T23:59:59.999999Z",
        "BRUIN_EXECUTION_DATE": "2024-02-01",
        "BRUIN_EXECUTION_DATETIME": "2024-02-01T03:04:05",
        "BRUIN_EXECUTION_TIMESTAMP": "2024-02-01T03:04:05.000000+02:00",
        "BRUIN_RUN_ID": "2024_01_31",
        "BRUIN_PIPELINE": "shop",
        "BRUIN_ASSET": "raw.a",
        "BRUIN_THIS": "raw.a",
        "BRUIN_FULL_REFRESH": "",
        "BRUIN_COMMIT_HASH": "",
        "BRUIN_SCHEMA_PREFIX": "",
        "BRUIN_VARS": "{}",
        "BRUIN_VARS_SCHEMA": "{}",
        "PYTHONUNBUFFERED": "1",
    }


def test_only_a_connection_that_the_asset_names_is_told() -> None:
    context = AssetContext(
        pipeline="p", asset="a", run_id="r", interval=INTERVAL, connection="db", full_refresh=True
    )
    assert variables(context)["BRUIN_CONNECTION"] == "db"
    assert variables(context)["BRUIN_FULL_REFRESH"] == "1"
