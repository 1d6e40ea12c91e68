"""The helpers under `bruin.` that write SQL in templates, for DuckDB, PostgreSQL and plain SQL.

assets_parser.templates puts them in scope; the platform is that of the asset's type.
"""

# ruff: noqa: S608 - SQL text is what this module is for

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from assets_parser import limits
from assets_parser.suggestions import did_you_mean

Helper: TypeAlias = Callable[..., str]

_NULL = "_bruin_surrogate_key_null_"  # what Bruin hashes for NULL: keys must stay the same
_MOST_ITEMS = 10_000
_SPACES = re.compile(r"[ -]+")
_NO_WORD = re.compile(r"[^a-z0-9_]+")
_PROTOCOLS = ("android-app://", "http://", "https://")
_STEPS = {"quarter": "3 month", "week": "7 day"}
_DATES = ("day", "week", "month", "quarter", "year")
_TIMES = ("hour", "minute", "second", "millisecond", "microsecond")


class BadCall(Exception):
    """A helper that does not exist, or that cannot be used like this."""


class SqlHelpers:
    """What `bruin` is in a template: its items are the helpers of one dialect."""

    def __init__(self, dialect: str = "") -> None:
        self._known = {**_COMMON, **_OF_DIALECT.get(dialect, {})}

    def __getitem__(self, name: str) -> Helper:
        if name not in self._known:
            hint = did_you_mean(name, self._known)
            known = hint or f"there are: {', '.join(sorted(self._known))}"
            raise BadCall(f"there is no helper bruin.{name}; {known}")
        return self._known[name]


def group_by(n: int) -> str:
    """`group by 1, 2, ...` up to the n-th column."""
    return "group by " + ", ".join(str(at) for at in range(1, _count("group_by", n) + 1))


def safe_divide(numerator: Any, denominator: Any) -> str:
    """A quotient that is NULL where the denominator is 0."""
    return f"({numerator}) / nullif(({denominator}), 0)"


def safe_add(*fields: Any) -> str:
    """A sum in which NULL counts as 0."""
    return " + ".join(f"coalesce({field}, 0)" for field in _list(fields))


def safe_subtract(*fields: Any) -> str:
    """A difference in which NULL counts as 0."""
    return " - ".join(f"coalesce({field}, 0)" for field in _list(fields))


def generate_surrogate_key(*fields: Any) -> str:
    """The MD5 of the fields as one text, the same as Bruin's."""
    values = [f"coalesce(cast({field} as varchar), '{_NULL}')" for field in _list(fields)]
    parts = ", '-', ".join(values)
    return f"md5({parts if len(values) == 1 else f'concat({parts})'})" if values else ""


def pivot(
    column: Any,
    values: Any,
    *,
    alias: bool = True,
    agg: str = "sum",
    cmp: str = "=",
    prefix: str = "",
    suffix: str = "",
    then_value: Any = 1,
    else_value: Any = 0,
    quote_identifiers: bool = True,
    distinct: bool = False,
) -> str:
    """One aggregated column per value of `column`."""

    def one(value: str) -> str:
        case = f"case when {column} {cmp} {_text(value)} then {then_value} else {else_value} end"
        made = f"{agg}({'distinct ' if distinct else ''}{case})"
        name = f"{prefix}{value}{suffix}"
        written = _identifier(name) if quote_identifiers else slugify(name)
        return f"{made} as {written}" if alias else made

    return ",\n    ".join(one(value) for value in _list((values,)))


def haversine_distance(lat1: Any, lon1: Any, lat2: Any, lon2: Any, unit: str = "mi") -> str:
    """The distance of two places on the earth, in miles or kilometres (`unit='km'`)."""
    if unit not in ("mi", "km"):
        raise BadCall(f"haversine_distance: unit is 'mi' or 'km', not '{unit}'")
    latitude = f"power(sin(radians((({lat2}) - ({lat1})) / 2)), 2)"
    longitude = f"power(sin(radians((({lon2}) - ({lon1})) / 2)), 2)"
    both = f"{latitude} + cos(radians({lat1})) * cos(radians({lat2})) * {longitude}"
    return f"2 * 3961 * asin(sqrt({both})){' * 1.60934' if unit == 'km' else ''}"


def degrees_to_radians(degrees: Any) -> str:
    """An angle in radians."""
    return f"acos(-1) * ({degrees}) / 180"


def width_bucket(expr: Any, min_value: Any, max_value: Any, num_buckets: Any) -> str:
    """Which of so many equal parts of a range the value is in: 0 below it, one more above it."""
    low, high, many = (f"cast({one} as numeric)" for one in (min_value, max_value, num_buckets))
    value = f"cast({expr} as numeric)"
    return _bucket(value, low, high, many)


def deduplicate(relation: Any, partition_by: Any, order_by: Any) -> str:
    """The first row of each part of a table or query."""
    rank = f"row_number() over (partition by {partition_by} order by {order_by})"
    numbered = f"select _inner.*, {rank} as __bruin_row_number from {relation} as _inner"
    return f"select * from ({numbered}) as numbered where __bruin_row_number = 1"


def generate_series(upper_bound: int) -> str:
    """The numbers from 1 to `upper_bound`, in a column `generated_number`."""
    most = _whole("generate_series", upper_bound)
    return (
        "with recursive series(generated_number) as (\n    select 1\n    union all\n"
        f"    select generated_number + 1 from series where generated_number < {most}\n)\n"
        f"select generated_number from series where {most} > 0 order by generated_number"
    )


def date_spine(datepart: str, start_date: Any, end_date: Any) -> str:
    """All dates or moments from the start until before the end, in a column `date_<datepart>`."""
    name = f"date_{_part(datepart)}"
    following = f"dateadd({datepart}, n + 1, {start_date})"
    return (
        f"with recursive date_spine(n, {name}) as (\n"
        f"    select 0, {start_date} where {start_date} < {end_date}\n    union all\n"
        f"    select n + 1, {following} from date_spine where {following} < {end_date}\n)\n"
        f"select {name} from date_spine"
    )


def slugify(text: Any) -> str:
    """A text as a plain name: small letters, digits, underscores."""
    name = _NO_WORD.sub("", _SPACES.sub("_", str(text).lower()))
    return f"_{name}" if name[:1].isdigit() else name


def get_url_host(field: Any) -> str:
    """The host of a URL."""
    return f"split_part(split_part({_bare_url(field)}, '/', 1), '?', 1)"


def get_url_parameter(field: Any, url_parameter: Any) -> str:
    """The value of one parameter of a URL, NULL if it has none."""
    query = (
        f"case when position('?' in {field}) > 0 then split_part({field}, '?', 2) else {field} end"
    )
    sign = _text(f"&{url_parameter}=")
    return f"nullif(split_part(split_part(concat('&', {query}), {sign}, 2), '&', 1), '')"


def get_url_path(field: Any) -> str:
    """The path of a URL, without its first slash and its parameters."""
    url = _bare_url(field)
    after = f"split_part(right({url}, length({url}) - position('/' in {url})), '?', 1)"
    return f"cast(case when position('/' in {url}) > 0 then {after} else '' end as varchar)"


def _duckdb_width_bucket(expr: Any, min_value: Any, max_value: Any, num_buckets: Any) -> str:
    """On DuckDB, whose numeric keeps three decimals only."""
    low, high, many = (f"cast({one} as double)" for one in (min_value, max_value, num_buckets))
    return _bucket(f"cast({expr} as double)", low, high, many)


def _duckdb_deduplicate(relation: Any, partition_by: Any, order_by: Any) -> str:
    return (
        f"select * from {relation} as _bruin_source\n    qualify row_number() over "
        f"(partition by {partition_by} order by {order_by}) = 1"
    )


def _postgres_deduplicate(relation: Any, partition_by: Any, order_by: Any) -> str:
    return (
        f"select distinct on ({partition_by}) *\n    from {relation} as _bruin_source\n"
        f"    order by {partition_by}, {order_by}"
    )


def _native_series(upper_bound: int) -> str:
    most = _whole("generate_series", upper_bound)
    return (
        f"select generated_number\nfrom generate_series(1, {most}) as t(generated_number)\n"
        "order by generated_number"
    )


def _native_spine(datepart: str, start_date: Any, end_date: Any) -> str:
    name = f"date_{_part(datepart)}"
    wanted = f"cast({name} as date)" if datepart.lower() in _DATES else name
    start, end = (f"cast({one} as timestamp)" for one in (start_date, end_date))
    step = _STEPS.get(datepart.lower(), f"1 {datepart.lower()}")
    return (
        f"select {wanted} as {name}\n"
        f"from generate_series({start}, {end}, interval '{step}') as t({name})\n"
        f"where {name} < {end}"
    )


def _bucket(value: str, low: str, high: str, many: str) -> str:
    place = f"floor(({value} - {low}) * {many} / ({high} - {low}))"
    return (
        f"case when {value} < {low} then 0 when {value} >= {high} then cast({many} as integer) + 1 "
        f"else cast({place} as integer) + 1 end"
    )


def _bare_url(field: Any) -> str:
    text = str(field)
    for protocol in _PROTOCOLS:
        text = f"replace({text}, '{protocol}', '')"
    return text


def _list(values: tuple[Any, ...]) -> list[str]:
    """The values as texts; one list of them is as good as many arguments."""
    found: Iterable[Any] = values
    if len(values) == 1 and isinstance(values[0], list | tuple):
        found = values[0]
    texts = [str(value) for value in found]
    if len(texts) > _MOST_ITEMS:
        raise BadCall(f"a helper takes at most {_MOST_ITEMS:,} values")
    limits.text(sum(map(len, texts)))
    return texts


def _whole(name: str, number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise BadCall(f"{name}: {number!r} is not a whole number")
    return number


def _count(name: str, number: Any) -> int:
    if not 0 < _whole(name, number) <= _MOST_ITEMS:
        raise BadCall(f"{name} takes a number from 1 to {_MOST_ITEMS:,}")
    return int(number)


def _part(datepart: Any) -> str:
    known = (*_DATES, *_TIMES)
    if not isinstance(datepart, str) or datepart.lower() not in known:
        raise BadCall(f"date_spine: '{datepart}' is none of {', '.join(known)}")
    return datepart.lower()


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_COMMON: Mapping[str, Helper] = {
    helper.__name__: helper
    for helper in (
        group_by,
        safe_divide,
        safe_add,
        safe_subtract,
        generate_surrogate_key,
        pivot,
        haversine_distance,
        degrees_to_radians,
        width_bucket,
        deduplicate,
        generate_series,
        date_spine,
        slugify,
        get_url_host,
        get_url_parameter,
        get_url_path,
    )
}
_NATIVE: Mapping[str, Helper] = {"generate_series": _native_series, "date_spine": _native_spine}
_OF_DIALECT: Mapping[str, Mapping[str, Helper]] = {
    "duckdb": {
        **_NATIVE,
        "deduplicate": _duckdb_deduplicate,
        "width_bucket": _duckdb_width_bucket,
    },
    "postgres": {**_NATIVE, "deduplicate": _postgres_deduplicate},
}
