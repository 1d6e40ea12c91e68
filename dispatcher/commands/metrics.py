"""`fleet metrics`: Prometheus metrics of a fleet, served in the foreground."""

import json
from typing import Any

import click

from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.fleets import catalog, load_settings, require
from dispatcher.look import Look
from dispatcher.problems import FleetError


@click.command()
@settings_flags
@output_flags
@flag("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@flag("--port", type=click.IntRange(0, 65_535), default=9464, show_default=True, help="Port.")
@flag("--once", is_flag=True, help="Print the metrics (with --json the queues) and end.")
def command(*, overrides: dict[str, Any], look: Look, address: str, port: int, once: bool) -> None:
    """Serve /metrics for Prometheus, /queues for autoscalers and /healthy for probes.

    Without a password: the figures hold names of queues and hosts, nothing of assets or data.
    """
    from prometheus_client.exposition import generate_latest

    from dispatcher import metrics

    settings = require(load_settings(overrides)).settings
    collector = metrics.FleetCollector(catalog(settings), settings)
    if once and look.as_json:
        found = collector.figures()
        if found is None:
            raise FleetError("the catalog did not answer", hint="fleet doctor looks at it")
        look.terminal.line(json.dumps(metrics.queues(found)))
    elif once:
        look.terminal.line(generate_latest(collector).decode().rstrip())
    else:
        _serve(metrics, collector, look, address, port)


def _serve(metrics: Any, collector: Any, look: Look, address: str, port: int) -> None:
    try:
        server = metrics.serve(collector, address, port)
    except OSError as error:
        where = f"{address}:{port}"
        raise FleetError(f"cannot listen on {where}: {error.strerror}", hint="--port") from error
    host = f"[{address}]" if ":" in address else address
    look.terminal.note(f"metrics at http://{host}:{server.server_address[1]}/metrics")
    with server:
        server.serve_forever()
