"""@bruin
name: ops.run_journal
description: One row for each run that came this far.

depends:
  - ops.report

materialization:
  type: table
  strategy: append

columns:
  - name: run_id
    type: varchar
    checks:
      - name: not_null
@bruin"""

import datetime
import os


def materialize():
    return [
        {
            "run_id": os.environ["BRUIN_RUN_ID"],
            "covers_from": os.environ["BRUIN_START_DATE"],
            "covers_to": os.environ["BRUIN_END_DATE"],
            "ended_at": datetime.datetime.now(datetime.timezone.utc),
        }
    ]
