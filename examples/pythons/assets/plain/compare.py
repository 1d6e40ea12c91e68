"""@bruin
name: plain.compare
image: python:3.13

secrets:
  - key: pythons-db
    inject_as: DB

depends:
  - old.measured
  - new.measured
@bruin"""

import json
import os
import sys

import duckdb

print(f"this is Python {sys.version_info.major}.{sys.version_info.minor}")
with duckdb.connect(json.loads(os.environ["DB"])["path"], read_only=True) as db:
    both = "from old.measured union all by name from new.measured"
    rows = db.sql(f"select python, packaging from ({both}) order by 1").fetchall()
for row in rows:
    print(f"Python {row[0]} ran with packaging {row[1]}")
