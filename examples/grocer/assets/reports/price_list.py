"""@bruin
name: reports.price_list
description: A price list for the tills, made by a program of its own.
connection: grocer-db

depends:
  - core.dim_product
  - core.promotion_days
@bruin"""

import os
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
out = here.parents[1] / "out"
out.mkdir(exist_ok=True)
subprocess.run(
    [sys.executable, str(here / "make_price_list.py"), os.environ["grocer-db"], str(out)],
    check=True,
)
