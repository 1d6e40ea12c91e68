"""@bruin
name: sales.customers
description: Everybody who ever signed up. E-mail addresses are kept as salted hashes only.

secrets:
  - key: email_salt
    inject_as: EMAIL_SALT

materialization:
  type: table
  strategy: create+replace

columns:
  - name: customer_id
    type: integer
    primary_key: true
    checks:
      - name: unique
      - name: not_null
  - name: email_hash
    type: varchar
    checks:
      - name: unique
      - name: pattern
        value: "^[0-9a-f]{64}$"
  - name: country
    type: varchar
    checks:
      - name: accepted_values
        value: [DE, FR, NL, GB, US]
  - name: signed_up
    type: date
    checks:
      - name: min
        value: 2024-01-01
@bruin"""

import hashlib
import hmac
import json
import os

import numpy as np
import pandas as pd

CUSTOMERS = 1_000


def hashed(email):
    salt = os.environ["EMAIL_SALT"].encode()
    return hmac.new(salt, email.encode(), hashlib.sha256).hexdigest()


def materialize():
    markets = json.loads(os.environ["BRUIN_VARS"])["markets"]
    dice = np.random.default_rng(11)
    ids = np.arange(1, CUSTOMERS + 1)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "email_hash": [hashed(f"customer{n}@example.com") for n in ids],
            "country": dice.choice(markets, CUSTOMERS),
            "signed_up": (
                pd.Timestamp("2024-01-01") + pd.to_timedelta(dice.integers(0, 700, CUSTOMERS), "D")
            ).date,
            "newsletter": dice.random(CUSTOMERS) < 0.4,
        }
    )
