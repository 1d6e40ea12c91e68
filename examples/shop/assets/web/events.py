"""@bruin
name: web.events
description: What visitors looked at, a page of events at a time.

materialization:
  type: table
  strategy: create+replace

columns:
  - name: event_id
    type: bigint
    checks:
      - name: unique
  - name: kind
    type: varchar
    checks:
      - name: accepted_values
        value: [view, basket, checkout, buy]
  - name: at
    type: timestamp
    checks:
      - name: not_null
@bruin"""

import datetime
import os
import random

PAGES, PAGE = 60, 1_000
KINDS = ["view", "basket", "checkout", "buy"]


def materialize():
    end = datetime.datetime.fromisoformat(os.environ["BRUIN_END_DATE"])
    start = end.replace(tzinfo=datetime.timezone.utc) - datetime.timedelta(days=7)
    dice = random.Random(3)
    here = [dice.randrange(1, 4_000) for _ in range(40)]  # the visitors on the site just now
    seconds = 0.0
    for page in range(PAGES):
        events = []
        for number in range(PAGE):
            seconds += dice.expovariate(0.1)
            place = dice.randrange(len(here))
            if dice.random() < 0.15:  # one leaves, another comes
                here[place] = dice.randrange(1, 4_000)
            events.append(
                {
                    "event_id": page * PAGE + number,
                    "visitor_id": here[place],
                    "kind": dice.choices(KINDS, [80, 12, 5, 3])[0],
                    "product_id": dice.randrange(1, 41),
                    "at": start + datetime.timedelta(seconds=round(seconds, 3)),
                }
            )
        yield events
