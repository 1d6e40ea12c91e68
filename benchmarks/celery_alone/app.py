"""A pipeline on Celery alone, by the manual's advice for tasks that must not be lost.

Late acknowledgement, messages of lost processes given back, one message fetched at a time, a
visibility timeout, publishing with retries, a chord for each level. The broker's URL and all else
come by the environment; workers are started with `python -m celery -A benchmarks.celery_alone.app`.
"""

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery, chord, group

ROWS = 20
COMMIT = 0.1  # seconds between the rows and their commit, as with real data
DATABASE = os.environ.get("ALONE_DATABASE", "")
JOURNAL = os.environ.get("ALONE_JOURNAL", "")
#: Longer than any task, as the manual asks for; its default is an hour.
VISIBILITY = float(os.environ.get("ALONE_VISIBILITY", "30"))

app = Celery("alone", broker=os.environ.get("ALONE_BROKER"), backend=os.environ.get("ALONE_BROKER"))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure_or_timeout=True,
    worker_prefetch_multiplier=1,
    broker_transport_options={"visibility_timeout": VISIBILITY},
    result_backend_transport_options={"visibility_timeout": VISIBILITY},
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_publish_retry=True,
    task_track_started=True,
)


@app.task(autoretry_for=(psycopg.OperationalError,), retry_backoff=1, max_retries=5)
def asset(run: str, name: str, kind: str, seconds: float) -> None:
    """Make the rows and put them into the asset's table, in one transaction."""
    attempt = uuid.uuid4().hex
    note("start", name, run, attempt)
    time.sleep(seconds)
    rows = [(n, run, attempt, uuid.uuid4().hex) for n in range(ROWS)]
    note("end", name, run, attempt)
    if kind != "script":
        load(name, kind, rows)


def load(name: str, kind: str, rows: list[tuple[Any, ...]]) -> None:
    """Append, merge or replace, in one transaction."""
    with psycopg.connect(DATABASE) as connection:
        if kind == "replace":
            connection.execute(f"DELETE FROM {name}")
        elif kind == "merge":
            connection.execute(f"DELETE FROM {name} WHERE id < {ROWS}")
        insert = f"INSERT INTO {name} (id, run, attempt, nonce) VALUES (%s, %s, %s, %s)"
        connection.cursor().executemany(insert, rows)
        time.sleep(COMMIT)


@app.task
def level(run: str, plan: str, number: int) -> None:
    """Submit a level; its chord's body submits the next one."""
    levels = json.loads(Path(plan).read_text("utf-8"))
    if number == len(levels):
        with psycopg.connect(DATABASE) as connection:
            connection.execute("INSERT INTO finished VALUES (%s)", (run,))
        return
    header = group(asset.si(run, *one) for one in levels[number])
    chord(header)(level.si(run, plan, number + 1))


def note(word: str, name: str, run: str, attempt: str) -> None:
    """One line in the journal of this host."""
    moment = time.clock_gettime(time.CLOCK_MONOTONIC)
    handle = os.open(JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{moment:.3f} {word} {name} {run} {attempt}\n".encode())
    os.close(handle)
