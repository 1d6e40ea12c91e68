"""@bruin
name: raw.trips
description: Trips of the interval, one row each; a second run replaces them.
connection: transit-warehouse

materialization:
  type: table
  strategy: delete+insert
  incremental_key: trip_date

columns:
  - name: trip_id
    type: varchar
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: line_id
    type: integer
    checks:
      - name: not_null
      - name: min
        value: 1
      - name: max
        value: 6
  - name: vehicle_id
    type: integer
    checks:
      - name: not_null
  - name: trip_date
    type: date
    checks:
      - name: not_null
  - name: departed_at
    type: timestamp
    checks:
      - name: not_null
  - name: delay_minutes
    type: integer
    checks:
      - name: non_negative
      - name: max
        value: 10

custom_checks:
  - name: trips of every line
    value: 6
    query: SELECT count(DISTINCT line_id) FROM raw.trips
@bruin"""

import datetime
import json
import os
import sys
from pathlib import Path

import pandas

sys.path.append(str(Path(__file__).resolve().parent))

from dice import roll


def materialize() -> pandas.DataFrame:
    per_line = json.loads(os.environ["BRUIN_VARS"])["trips_per_line"]
    return pandas.DataFrame(
        [trip(day, line, n) for day in days() for line in range(1, 7) for n in range(per_line)]
    )


def trip(day: datetime.date, line: int, n: int) -> dict:
    start = datetime.datetime.combine(day, datetime.time(5)) + datetime.timedelta(minutes=n * 45)
    return {
        "trip_id": f"{day:%Y%m%d}-{line}-{n:02}",
        "line_id": line,
        "vehicle_id": 1 + roll("vehicle", day, line, n, sides=18),
        "trip_date": day,
        "departed_at": start.replace(tzinfo=datetime.UTC),
        "delay_minutes": max(0, roll("delay", day, line, n, sides=14) - 5),
    }


def days() -> list[datetime.date]:
    """The days of this run's interval."""
    first, last = (
        datetime.date.fromisoformat(os.environ[f"BRUIN_{end}_DATE"]) for end in ("START", "END")
    )
    return [first + datetime.timedelta(days=n) for n in range((last - first).days + 1)]
