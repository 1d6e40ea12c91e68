"""@bruin
name: reports.digest
description: A page for the managers, from a template beside this file.
connection: grocer-db

depends:
  - marts.weekly_sales
  - marts.store_ranking
@bruin"""

import json
import os
from pathlib import Path
from string import Template

import duckdb

HERE = Path(__file__).resolve().parent
DATABASE = json.loads(os.environ["grocer-db"])["path"]

with duckdb.connect(DATABASE, read_only=True) as database:
    last = database.sql(
        "SELECT week_start, orders, revenue FROM marts.weekly_sales ORDER BY week_start DESC LIMIT 1"
    ).fetchone()
    best = database.sql("SELECT store FROM marts.store_ranking ORDER BY place, store").fetchone()

page = Template((HERE / "digest.md.tmpl").read_text("utf-8"))
out = HERE.parents[1] / "out"
out.mkdir(exist_ok=True)
text = page.substitute(week=last[0], orders=last[1], revenue=last[2], store=best[0])
(out / "digest.md").write_text(text, "utf-8")
print(f"wrote {len(text)} characters")
