"""@bruin
name: new.measured
image: python:3.12

materialization:
  type: table

columns:
  - name: python
    type: varchar
    checks:
      - name: accepted_values
        value: ["3.12"]
  - name: packaging
    type: varchar
    checks:
      - name: not_null
@bruin"""

import sys

import packaging


def materialize():
    return [
        {
            "python": "{}.{}".format(*sys.version_info),
            "packaging": packaging.__version__,
        }
    ]
