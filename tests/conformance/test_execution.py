"""Recorded pipelines through `fleet run`: the same statuses, the same tables, the same lines.

A fixed choice over all topics; scripts/conformance replays every case. Two are played at once,
ahead of the tests that ask for them.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import postgres, replaying
from tests.support.postgres import postgres_server
from tests.support.replaying import Case, Replay

__all__ = ["postgres_server"]
_CHOSEN = Path(__file__).with_name("execution_choice.txt")
_AT_ONCE = 2


def _choice() -> list[Case]:
    """The chosen cases; of another pack, as many of its own."""
    names = _CHOSEN.read_text("utf-8").split()
    known = replaying.cases()
    return [case for case in known if case["id"] in names] or replaying.spread(known, len(names))


CASES = _choice()


class Stage:
    """Plays cases ahead of the tests that ask for them, in their order."""

    def __init__(self, replay: Replay, pool: ThreadPoolExecutor, ahead: Sequence[Case]) -> None:
        self._lacks = {case["id"]: replay.lacks(case) for case in CASES}
        self._replay, self._pool = replay, pool
        self._begun: dict[str, Future[list[str]]] = {}
        for case in ahead:
            if not self._lacks[case["id"]]:
                self._begin(case)

    def differences(self, case: Case) -> list[str]:
        """What it leaves otherwise than it should; skips the test where its Python is missing."""
        if self._lacks[case["id"]]:
            pytest.skip(self._lacks[case["id"]])
        return self._begin(case).result()

    def _begin(self, case: Case) -> Future[list[str]]:
        if case["id"] not in self._begun:
            self._begun[case["id"]] = self._pool.submit(self._replay.play, case)
        return self._begun[case["id"]]


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A fleet that all cases share, and PostgreSQL where there is one."""
    server = request.getfixturevalue("postgres_server") if postgres.binaries() else None
    ahead = [c for c in _asked(request.session) if server or not replaying.needs_postgres(c)]
    with replaying.replay(server, slots=_AT_ONCE) as replay:
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            yield Stage(replay, pool, ahead)
        finally:
            pool.shutdown(cancel_futures=True)


def _asked(session: pytest.Session) -> list[Case]:
    """The cases of the selected tests; none where several processes share them out."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return []
    own = [item for item in session.items if item.path == Path(__file__)]
    return [item.callspec.params["case"] for item in own if isinstance(item, pytest.Function)]


@pytest.mark.conformance
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_pipeline_leaves_what_bruin_leaves(
    case: Case, stage: Stage, request: pytest.FixtureRequest
) -> None:
    """Exit code, statuses, tables with types and keys, and the lines that assets print."""
    if replaying.needs_postgres(case):
        request.getfixturevalue("postgres_server")  # skips without one, and fails in CI
    assert stage.differences(case) == []
