"""What can be checked of deploy/ without an engine: with the real docker compose, helm, systemd."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.figures import Figures, Host, Queue, Tries
from dispatcher import metrics
from dispatcher.cli import COMMANDS
from workers.settings import Settings

_SETTINGS = {f"FLEET_{f.name.upper()}" for f in dataclasses.fields(Settings)}
_OF_COMPOSE = {  # variables of compose.yaml itself
    "FLEET_PASSWORD",
    "FLEET_IMAGE",
    "FLEET_PYTHONS",
    "FLEET_EXTRAS",
    "FLEET_CONFIG",
}
_ENVIRON = {  # whoever works with a fleet of his own has variables that count for compose, too
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("FLEET_", "COMPOSE_", "HELM_"))
}
_CHART = "deploy/helm/bruin-fleet"
_TRY_OUT = (
    "--set=valkey.enabled=true,valkey.password=long-enough",
    "--set=postgres.enabled=true,postgres.password=long-enough",
    "--set=flowerAuth=user:password,connections.secret=bruin,metrics.serviceMonitor=true",
)
_KEDA = """
workers:
  - {name: default, queues: [fleet], slots: 4, replicas: 3}
  - name: large
    queues: [b1.large, b1.xlarge]
    slots: 2
    keda: {enabled: true, min: 0, max: 8}
    env: {FLEET_WEIGHTS: "b1.xlarge=2"}
envFrom: [{secretRef: {name: s3}}]
storage: {url: "s3://fleet/storage"}
"""


def _tool(name: str) -> str:
    """The program, beside this Python or on PATH; skips where the group `deploy` is not there."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return found or pytest.skip(f"{name} is not here: uv run --group deploy pytest")


def _run(*argv: str, cwd: Path) -> str:
    done = _done(*argv, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _done(*argv: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv, cwd=cwd, env=_ENVIRON, capture_output=True, text=True, check=False, timeout=240
    )


def _compose(root: Path, *profiles: str) -> dict[str, Any]:
    wanted = [f"--profile={name}" for name in profiles]
    argv = (_tool("docker-compose"), "--env-file", "deploy/compose.env", *wanted, "config")
    found: dict[str, Any] = yaml.safe_load(_run(*argv, cwd=root))
    return found


def test_compose_understands_its_file(project_root: Path) -> None:
    """Broker, catalog, workers that scale, Flower and metrics on loopback only."""
    services = _compose(project_root)["services"]
    assert set(services) == {"broker", "catalog", "worker", "scheduler", "flower", "metrics"}
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}
    assert "container_name" not in services["worker"], "it could not be scaled"
    assert services["worker"]["stop_grace_period"] == "30m0s"
    everything = _compose(project_root, "cli", "monitoring")["services"]
    assert set(everything) - set(services) == {"fleet", "prometheus", "grafana"}


def test_compose_shows_no_password_on_a_command_line(project_root: Path) -> None:
    """What `ps` shows holds none of the values that people are told to change."""
    for service in _compose(project_root, "cli", "monitoring")["services"].values():
        shown = json.dumps([service.get("command"), service.get("entrypoint")])
        assert "change-me" not in shown


def test_compose_refuses_to_start_without_a_password(project_root: Path) -> None:
    """No default password that somebody forgets to change."""
    argv = [_tool("docker-compose"), "--env-file", "/dev/null", "config"]
    done = _done(*argv, cwd=project_root)
    assert not done.stdout  # the package's launcher of the program hides its exit code
    assert "required variable FLEET_PASSWORD is missing a value" in done.stderr


def _chart(root: Path, *flags: str) -> list[dict[str, Any]]:
    text = _run(_tool("helm"), "template", "try", _CHART, *flags, cwd=root)
    return [document for document in yaml.safe_load_all(text) if document]


@pytest.mark.parametrize("with_keda", [False, True])
def test_the_chart_makes_what_kubernetes_accepts(
    with_keda: bool, project_root: Path, tmp_path: Path
) -> None:
    """Linted strictly; every object of Kubernetes' own is valid by its schema."""
    validate = pytest.importorskip("kubernetes_validate", reason="uv run --group deploy pytest")
    (tmp_path / "keda.yaml").write_text(_KEDA)
    flags = (*_TRY_OUT, *([f"--values={tmp_path}/keda.yaml"] if with_keda else []))
    _run(_tool("helm"), "lint", _CHART, "--strict", *flags, cwd=project_root)
    for document in _chart(project_root, *flags):
        if document["apiVersion"].partition("/")[0] in ("keda.sh", "monitoring.coreos.com"):
            continue
        for version in ("1.27", "1.33"):
            validate.validate(document, version, strict=True)


def test_keda_scales_each_group_of_workers_by_its_queues(
    project_root: Path, tmp_path: Path
) -> None:
    """The address and the path in its answer are those of `fleet metrics`."""
    (tmp_path / "keda.yaml").write_text(_KEDA)
    documents = _chart(project_root, *_TRY_OUT, f"--values={tmp_path}/keda.yaml")
    (scaled,) = [d for d in documents if d["kind"] == "ScaledObject"]
    deployments = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Deployment"}
    assert scaled["spec"]["scaleTargetRef"]["name"] in deployments
    assert "replicas" not in deployments["try-fleet-worker-large"]["spec"]
    assert deployments["try-fleet-worker-default"]["spec"]["replicas"] == 3
    triggers = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
    assert [t["valueLocation"] for t in triggers] == [
        'queues.#(name=="b1.large").work',
        'queues.#(name=="b1.xlarge").work',
    ]
    answer = metrics.queues(Figures(queues=(Queue(name="b1.large", ready=1, running=2),)))
    assert answer["queues"][0]["work"] == 3
    services = {d["metadata"]["name"] for d in documents if d["kind"] == "Service"}
    assert "try-fleet-metrics" in services


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--set=flower.enabled=false", "give broker"),
        ("--set=existingSecret=mine,workers=", "workers"),
        ("--set=existingSecret=mine,valkey.enabled=true,valkey.password=short", "password"),
        ("--set=existingSecret=mine,broker=amqp://x", "broker"),
    ],
)
def test_the_chart_refuses_what_cannot_work(flag: str, words: str, project_root: Path) -> None:
    """With words, before anything is installed."""
    done = _done(_tool("helm"), "template", "try", _CHART, flag, cwd=project_root)
    assert done.returncode != 0
    assert words in done.stderr


def test_pods_run_as_nobody_special_and_hold_no_address_in_their_commands(
    project_root: Path,
) -> None:
    """No root, no writable system, no account of Kubernetes, addresses from the secret only."""
    for document in _chart(project_root, *_TRY_OUT):
        if document["kind"] != "Deployment":
            continue
        pod = document["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert "long-enough" not in json.dumps(document)


def test_systemd_understands_the_units(project_root: Path, tmp_path: Path) -> None:
    """systemd-analyze finds nothing; only the program's path is another one here."""
    analyze = shutil.which("systemd-analyze") or pytest.skip("systemd-analyze is not here")
    units = []
    for unit in sorted((project_root / "deploy/systemd").glob("*.service")):
        text = unit.read_text().replace("/opt/fleet/bin/fleet", "/bin/true")
        copy = tmp_path / unit.name.replace("@", "@1")
        copy.write_text(text)
        copy.chmod(0o644)  # it dislikes what some umasks would make
        units.append(str(copy))
    assert len(units) == 4
    done = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if any(Path(u).name in line for u in units)]
    assert (done.returncode, said) == (0, [])


def _deployed(root: Path) -> Iterator[tuple[Path, str]]:
    for path in [root / "compose.yaml", *sorted((root / "deploy").rglob("*"))]:
        if path.is_file():
            yield path, path.read_text()


def test_every_setting_that_is_deployed_exists(project_root: Path) -> None:
    """A misspelt FLEET_ variable would be without effect."""
    for path, text in _deployed(project_root):
        unknown = set(re.findall(r"\bFLEET_[A-Z_]+\b", text)) - _SETTINGS - _OF_COMPOSE
        assert not unknown, f"{path}: {unknown}"


def test_every_verb_that_is_deployed_exists(project_root: Path) -> None:
    """Commands of compose, systemd and the chart."""
    chart = "\n".join(path.read_text() for path in (project_root / _CHART).rglob("*.yaml"))
    units = "\n".join(p.read_text() for p in (project_root / "deploy/systemd").iterdir())
    compose = yaml.safe_load((project_root / "compose.yaml").read_text())["services"]
    ours = [compose[name]["command"][0] for name in ("worker", "scheduler", "flower", "metrics")]
    verbs = {*re.findall(r"args: \[(\w+)", chart), *re.findall(r"bin/fleet (\w+)", units), *ours}
    assert verbs == {"worker", "schedule", "flower", "metrics"}
    assert verbs <= set(COMMANDS)


def test_the_image_holds_the_packages_of_the_wheel(project_root: Path) -> None:
    """What the Dockerfile copies is what is there, and nothing that the build needs is left out."""
    text = (project_root / "deploy/Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    let_in = {
        line[1:]
        for line in (project_root / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert names == let_in == {n for n in names if (project_root / n).exists()}
    assert {"assets_parser", "catalog", "workers", "dispatcher"} <= names
    assert "USER fleet" in text


def _metric_names() -> set[str]:
    found = Figures(
        runs={"running": 1},
        queues=(Queue(name="fleet"),),
        hosts=(Host(name="a", workers=1, slots=1, draining=0, silent=0.0),),
        tries=(Tries(step="load", state="lost", number=1, seconds=1.0),),
    )
    families = list(metrics._of_catalog(found))
    names = {sample.name for family in families for sample in family.samples}
    text = Path(metrics.__file__).read_text()
    return names | set(re.findall(r'"(fleet_(?:broker|catalog)_\w+)"', text))


def test_alerts_and_the_board_ask_for_metrics_that_exist(project_root: Path) -> None:
    """A panel of a name that nobody exports would stay empty for ever."""
    board = json.loads((project_root / "deploy/grafana/fleet.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((project_root / "deploy/prometheus/alerts.yml").read_text())
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    names = {name for text in asked for name in re.findall(r"\bfleet_\w+", text)}
    assert len(names) > 10
    assert names <= _metric_names()
