"""@bruin
name: raw.feedback
description: What passengers say; ratings are merged by their id.
connection: transit-warehouse

materialization:
  type: table
  strategy: merge

columns:
  - name: feedback_id
    type: varchar
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: given_on
    type: date
    checks:
      - name: not_null
  - name: line_id
    type: integer
    checks:
      - name: not_null
  - name: stars
    type: integer
    checks:
      - name: min
        value: 1
      - name: max
        value: 5

custom_checks:
  - name: labels are kept
    query: SELECT count(*) FROM raw.feedback WHERE labels IS NULL
@bruin"""

import datetime
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

from dice import roll


def materialize() -> Iterator[dict]:
    for day in days():
        for n in range(15):
            yield {
                "feedback_id": f"{day:%Y%m%d}-{n:02}",
                "given_on": day,
                "line_id": 1 + roll("line", day, n, sides=6),
                "stars": 1 + roll("stars", day, n, sides=5),
                "labels": ["late", "clean"][: 1 + n % 2],
            }


def days() -> list[datetime.date]:
    """The days of this run's interval."""
    first, last = (
        datetime.date.fromisoformat(os.environ[f"BRUIN_{end}_DATE"]) for end in ("START", "END")
    )
    return [first + datetime.timedelta(days=n) for n in range((last - first).days + 1)]
