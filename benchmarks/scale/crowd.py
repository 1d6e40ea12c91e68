"""Many workers at once, simulated: each claims, looks, renews, succeeds, beats, without a pause.

Four processes of eight threads stand for all of them: what is measured is what the catalog can do.
`python -m benchmarks.scale.crowd` is one of these processes; it prints its times as JSON.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text

from benchmarks.scale.plans import FLEET
from benchmarks.scale.timing import Times
from catalog import claims, holders, workers
from catalog import engine as engines
from catalog.claims import Claim
from catalog.workers import WorkerInfo
from workers import contract

PROCESSES, THREADS = 4, 8


def crowd(url: str, run_id: str, assets: list[str], count: int) -> tuple[Times, float]:
    """Let `count` workers do these assets; times of each operation, and seconds of all."""
    children = [_child(url, run_id, assets[n::PROCESSES], count, n) for n in range(PROCESSES)]
    times = Times()
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()  # it is connected
    start = time.perf_counter()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        told, _ = child.communicate(timeout=1800)
        times.add(json.loads(told))
    return times, time.perf_counter() - start


def _child(
    url: str, run_id: str, assets: list[str], count: int, number: int
) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "benchmarks.scale.crowd", run_id, str(count), str(number)]
    child = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"SCALE_CATALOG": url},
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(assets) + "\n")
    child.stdin.flush()
    return child


def register(engine: Engine, count: int, times: Times) -> None:
    """Let so many workers be there."""
    for n in range(count):
        info = WorkerInfo(
            name=f"w{n}",
            fleet=FLEET,
            host=f"h{n}",
            pid=1,
            contract=contract.VERSION,
            slots=2,
            queues=("fleet",),
        )
        times.take("register", lambda info=info: workers.register(engine, info, fresh=True))


def main() -> None:
    """One process of the crowd."""
    run_id, count, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    assets = json.loads(sys.stdin.readline())
    engine = engines.connect(os.environ["SCALE_CATALOG"])
    names = [f"w{n}" for n in range(number, count, PROCESSES)]
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    print("ready", flush=True)
    sys.stdin.readline()
    parts = [Times() for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        work = [
            pool.submit(
                _some, engine, run_id, assets[n::THREADS], names[n::THREADS] or names[:1], parts[n]
            )
            for n in range(THREADS)
        ]
        for one in work:
            one.result()
    total = Times()
    for part in parts:
        total.add(part.of)
    print(json.dumps(total.of))


def _some(engine: Engine, run_id: str, assets: list[str], names: list[str], times: Times) -> None:
    for n, asset in enumerate(assets):
        _one(engine, run_id, asset, names[n % len(names)], times)


def _one(engine: Engine, run_id: str, asset: str, name: str, times: Times) -> None:
    held = times.take(
        "claim",
        lambda: claims.claim(
            engine, run_id, asset, "script", worker=name, pid=1, contract=contract.VERSION
        ),
    )
    assert isinstance(held, Claim), held
    times.take("look", lambda: holders.standing(engine, held))
    times.take("renew", lambda: claims.renew(engine, held))
    times.take("beat", lambda: workers.beat(engine, name))
    times.take("succeed", lambda: claims.succeed(engine, held, result={"rows": 1}))


if __name__ == "__main__":
    main()
