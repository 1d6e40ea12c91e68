"""A small pipeline of SQL assets, for the verbs that only read."""

from pathlib import Path

_FILES = {
    ".bruin.yml": """\
default_environment: dev
environments:
  dev: {connections: {duckdb: [{name: db, path: shop.duckdb}]}}
  stage: {schema_prefix: st, connections: {duckdb: [{name: db, path: shop.duckdb}]}}
""",
    "pipeline.yml": """\
name: shop
default_connections: {duckdb: db}
variables: {least: {default: 3}}
""",
    "macros/money.sql": "{% macro euros(x) %}{{ x }} / 100.0{% endmacro %}\n",
    "assets/orders.sql": """\
/* @bruin
name: raw.orders
type: duckdb.sql
materialization: {type: view}
columns: [{name: id, type: integer}, {name: cents, type: integer}, {name: day, type: date}]
@bruin */
select 1 as id, 250 as cents, current_date as day
""",
    "assets/sales.sql": """\
/* @bruin
name: mart.sales
type: duckdb.sql
depends: [raw.orders]
materialization: {type: table, strategy: delete+insert, incremental_key: day}
hooks: {post: [{query: "select {{ var.least }}"}]}
@bruin */
-- what was sold
select day, sum({{ euros('cents') }}) as total, count(*) as many
from raw.orders where day >= '{{ start_date }}' and id > {{ var.least }}
group by all -- the end
""",
    "assets/report.py": '''\
"""@bruin
name: report
depends: [{asset: mart.sales, columns: [total]}, {uri: other/table}]
columns: [{name: best, upstreams: [{table: mart.sales, column: total}]}]
@bruin"""
''',
}


def write(folder: Path) -> Path:
    """Write the pipeline into this folder."""
    (folder / ".git").mkdir(parents=True)
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return folder
