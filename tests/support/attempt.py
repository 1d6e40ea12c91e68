"""One asset's main step on real parts, without broker or catalog. Used by the runner's tests."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assets_parser.spec import AssetSpec, RunOptions
from tests.support.step_parts import Lines, Signal
from workers import main_step
from workers.context import StepContext, StepResult
from workers.settings import Settings

OPTIONS = RunOptions(
    start="2024-01-01T00:00:00+00:00", end="2024-01-02T00:00:00+00:00", execution=""
)


@dataclass
class Bench:
    """A home and a project folder in which assets are run."""

    settings: Settings
    project: Path
    log: Lines = field(default_factory=Lines)
    stop: Signal = field(default_factory=Signal)
    progress: list[Mapping[str, Any]] = field(default_factory=list)

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def run(self, path: str, code: str = "", *, step: str = "script", **given: Any) -> StepResult:
        """Write the asset's file if code is given, and run it."""
        if code:
            self.write(path, code)
        options = given.pop("options", OPTIONS)
        config = given.pop("config", None)
        given["type"] = given.pop("kind", "python")
        spec = AssetSpec(pipeline="shop", name="main.orders", path=path, steps=(step,), **given)
        return main_step.run(self._context(spec, step, options, config))

    def table(self, code: str, **given: Any) -> StepResult:
        """Run code that defines materialize()."""
        return self.run("assets/orders.py", code, step="materialize", **given)

    def _context(
        self, spec: AssetSpec, step: str, options: RunOptions, config: Path | None
    ) -> StepContext:
        claim = SimpleNamespace(run_id="7f3k2", asset=spec.name, step=step, number=1, token=1)
        return StepContext(
            settings=self.settings,
            engine=None,  # type: ignore[arg-type]
            claim=claim,  # type: ignore[arg-type]
            spec=spec,
            options=options,
            project=self.project,
            config=config,
            previous={},
            log=self.log,
            stop=self.stop,
            mask=self.log.masker.add,
            progress=self.progress.append,
        )


def bench(folder: Path, cache: Path) -> Bench:
    """A bench in an empty folder; uv's cache is shared, so that packages are fetched once."""
    home, project = folder / "home", folder / "project"
    home.mkdir(parents=True)
    project.mkdir()
    (home / "uv-cache").symlink_to(cache)
    return Bench(
        settings=Settings(home=home, python_downloads=False, stop_grace=1.0),
        project=project.resolve(),
    )


def shared_cache() -> Path:
    """The uv cache that the tests of one machine share."""
    found = Path(os.environ.get("FLEET_TEST_UV_CACHE") or "~/.cache/uv").expanduser()
    found.mkdir(parents=True, exist_ok=True)
    return found
