"""@bruin
name: raw.stations

materialization:
  type: table
  strategy: create+replace

columns:
  - name: station_id
    type: bigint
    primary_key: true
    checks:
      - name: unique
  - name: height
    type: decimal
    checks:
      - name: max
        value: 4000
@bruin"""

import decimal
import json
import os


def materialize():
    count = json.loads(os.environ["BRUIN_VARS"])["stations"]
    for number in range(1, count + 1):
        yield {
            "station_id": number,
            "name": f"Station {number}",
            "height": decimal.Decimal(number * 137) / 2,
        }
