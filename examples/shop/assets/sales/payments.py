"""@bruin
name: sales.payments
description: Payments as the provider reports them; a payment may be reported again with a new state.

depends:
  - sales.orders

materialization:
  type: table
  strategy: merge

columns:
  - name: payment_id
    type: varchar
    primary_key: true
    checks:
      - name: unique
      - name: not_null
  - name: state
    type: varchar
    checks:
      - name: accepted_values
        value: [paid, refunded, failed]
  - name: fee_eur
    type: double
    checks:
      - name: non_negative
@bruin"""

import datetime
import os
import random


def materialize():
    day = datetime.date.fromisoformat(os.environ["BRUIN_START_DATE"])
    end = datetime.date.fromisoformat(os.environ["BRUIN_END_DATE"])
    while day <= end:
        dice = random.Random(day.toordinal())
        for number in range(180 + 40 * (day.weekday() in (4, 5))):
            yield {
                "payment_id": f"pay-{day:%Y%m%d}-{number:04}",
                "order_id": f"{day:%Y%m%d}-{number:04}",
                "state": dice.choices(["paid", "refunded", "failed"], [95, 3, 2])[0],
                "fee_eur": round(dice.uniform(0.1, 1.4), 2),
            }
        day += datetime.timedelta(days=1)
