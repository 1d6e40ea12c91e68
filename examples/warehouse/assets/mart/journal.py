"""@bruin
name: mart.journal

depends:
  - mart.daily

materialization:
  type: table
  strategy: append
@bruin"""

import os


def materialize():
    return [{"run_id": os.environ["BRUIN_RUN_ID"], "day": os.environ["BRUIN_START_DATE"]}]
