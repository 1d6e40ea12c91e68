"""@bruin
name: raw.readings

materialization:
  type: table
  strategy: merge

columns:
  - name: station_id
    type: bigint
    primary_key: true
  - name: at
    type: timestamp
    primary_key: true
  - name: celsius
    type: double
    checks:
      - name: min
        value: -60
      - name: max
        value: 60
@bruin"""

import json
import os

import polars as pl


def materialize():
    count = json.loads(os.environ["BRUIN_VARS"])["stations"]
    start = pl.lit(os.environ["BRUIN_START_DATE"]).str.to_datetime("%Y-%m-%d", time_zone="UTC")
    hours = pl.datetime_range(start, start + pl.duration(hours=23), "1h")
    stations = pl.DataFrame({"station_id": range(1, count + 1)})
    return (
        stations.lazy()
        .join(pl.select(at=hours).lazy(), how="cross")
        .with_columns(
            (pl.col("at").dt.hour().cast(pl.Float64) / 2 + pl.col("station_id") % 7).alias(
                "celsius"
            )
        )
    )
