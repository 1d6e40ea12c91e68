"""The pipelines that are measured, written into a folder of their own."""

import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

_EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

PRINTING = """\
\"\"\"@bruin
name: {name}
{depends}@bruin\"\"\"

print("hello from {name}")
"""

DOCUMENTED = '''\
"""@bruin
name: {name}
connection: db

materialization:
  type: table
@bruin"""

import pandas as pd


def materialize():
    items = 100000
    return pd.DataFrame(
        {{
            "col1": range(items),
            "col2": [f"value_new_{{i}}" for i in range(items)],
            "col3": [i * 6.0 for i in range(items)],
        }}
    )
'''

ARROW = '''\
"""@bruin
name: big.table
connection: db

materialization:
  type: table
@bruin"""

import pyarrow as pa
import pyarrow.compute as pc


def materialize():
    numbers = pa.array(range(5_000_000))
    texts = pc.cast(numbers, pa.string())
    return pa.table({"a": numbers, "b": pc.multiply(numbers, 0.5), "c": texts})
'''

DICTS = '''\
"""@bruin
name: many.dicts
connection: db

materialization:
  type: table
@bruin"""


def materialize():
    for n in range(2_000_000):
        yield {"id": n, "name": f"row {n}", "value": n * 0.5}
'''

CHECKED = '''\
"""@bruin
name: {name}
connection: db
owner: data@example.com
{depends}
materialization:
  type: table
  strategy: merge

columns:
  - name: id
    type: integer
    primary_key: true
    checks:
      - name: unique
      - name: not_null
@bruin"""


def materialize():
    return [{{"id": 1}}]
'''


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Lay out a project: its root is marked as a repository, so that nothing above it counts."""
    (root / ".git").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def connections(kind: str, fields: Mapping[str, object]) -> str:
    """A .bruin.yml with the one connection `db`."""
    lines = "".join(f"          {key}: {value}\n" for key, value in fields.items())
    head = "default_environment: default\nenvironments:\n  default:\n    connections:\n"
    return f"{head}      {kind}:\n        - name: db\n{lines}"


def printing(root: Path, levels: int, wide: int) -> Path:
    """`wide` printing scripts in each of `levels` levels; each waits for one of the level above."""
    files = {"pipeline.yml": "name: printing\n"}
    for level in range(levels):
        for number in range(wide):
            name = f"l{level}.s{number}"
            depends = f"depends:\n  - l{level - 1}.s{number}\n" if level else ""
            files[f"assets/l{level}/s{number}.py"] = PRINTING.format(name=name, depends=depends)
    return write(root, files)


def documented(root: Path, count: int, bruin: str) -> Path:
    """`count` times the documentation's example: 100,000 rows of pandas."""
    files = {"pipeline.yml": "name: documented\n", ".bruin.yml": bruin}
    files["requirements.txt"] = f"pandas=={version('pandas')}\n"  # as the baseline has it
    for number in range(count):
        files[f"assets/t{number}.py"] = DOCUMENTED.format(name=f"doc.t{number}")
    return write(root, files)


def checked(root: Path, count: int) -> Path:
    """`count` small assets with columns and checks, each after the one 100 before it."""
    files = {"pipeline.yml": "name: checked\n"}
    for number in range(count):
        depends = f"depends:\n  - a.t{number - 100}\n" if number >= 100 else ""
        text = CHECKED.format(name=f"a.t{number}", depends=depends)
        files[f"assets/p{number // 100}/t{number}.py"] = text
    return write(root, files)


def single(root: Path, source: str, bruin: str, requirements: str = "") -> Path:
    """One asset alone."""
    files = {"pipeline.yml": "name: single\n", ".bruin.yml": bruin, "assets/one.py": source}
    return write(root, files | {"requirements.txt": requirements})


def script(root: Path) -> Path:
    """One script that prints."""
    return printing(root, 1, 1)


def copied(name: str, root: Path) -> Path:
    """One of the examples, without what earlier runs of it left."""
    left = shutil.ignore_patterns("*.duckdb", "*.wal", "__pycache__", "out")
    shutil.copytree(_EXAMPLES / name, root, ignore=left)
    (root / ".git").mkdir()
    return root
