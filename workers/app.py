"""The Celery app: one set of options, for workers and for those who send work.

The options and their reasons come from measured faults of Celery 5.7 on Redis; the comments keep
the reason. workers.main runs the app, the dispatcher and reconcile send with it.
"""

from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.app.amqp import Queues as KnownQueues
from celery.loaders.app import AppLoader
from kombu.entity import Queue
from kombu.transport import TRANSPORT_ALIASES

from workers import contract, queues, routing, signing
from workers.settings import Settings

_DAY = 86_400

#: By scheme, not by `broker_transport`: Flower reads queue lengths of "redis" only.
_TRANSPORTS = dict.fromkeys(("redis", "rediss"), "workers.transport:Transport")


class Loader(AppLoader):
    """Celery's loader with our results backend, and no look at the current folder."""

    override_backends = {  # noqa: RUF012 - celery reads it so
        "redis": "workers.transport:Results",
        "rediss": "workers.transport:Results",
    }


class OpenQueues(KnownQueues):
    """The queues of an app; it may send to any that routing can name, and consumes from its own.

    Nothing is remembered of the others: messages make no queue known.
    """

    def __missing__(self, name: str) -> Queue:
        if not queues.is_one(name):
            raise KeyError(name)
        queue = _queue(name)
        queue.exchange = self.default_exchange
        return queue


class Amqp(AMQP):
    """Celery's senders, with our queues."""

    queues_cls = OpenQueues


def make_app(settings: Settings) -> Celery:
    """A Celery app for the broker that `settings` names. It has no tasks yet: see workers.tasks."""
    TRANSPORT_ALIASES.update(_TRANSPORTS)
    app = Celery(  # type: ignore[no-untyped-call]
        "fleet", loader=Loader, amqp=Amqp, set_as_current=False
    )
    app.conf.update(
        _addresses(settings)
        | _delivery(settings)
        | _results(settings)
        | _connections()
        | _shape(settings)
    )
    signing.attach(app, settings)
    routing.attach(app, settings)
    return app


def _addresses(settings: Settings) -> dict[str, Any]:
    return {
        "broker_url": _checked_tls(settings.broker),
        "result_backend": _checked_tls(settings.results_url),
    }


def _checked_tls(url: str) -> str:
    """A rediss:// URL that says nothing of certificates means: check them."""
    if not url.startswith("rediss://") or "ssl_cert_reqs=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"


def _delivery(settings: Settings) -> dict[str, Any]:
    """How messages are kept until the work is done."""
    return {
        "task_acks_late": True,
        # the catalog queues a killed step again and says why: its message has done its duty
        "task_reject_on_worker_lost": False,
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "worker_prefetch_multiplier": 1,  # fair, and least to lose
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # the catalog fences
        "task_publish_retry_policy": {
            "max_retries": 10,
            "interval_start": 0.05,
            "interval_step": 0.2,
            "interval_max": 1.0,
        },
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "broker_transport_options": {
            "visibility_timeout": settings.visibility,  # LeaseExtension renews within it
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 15,  # above the 1 s of BRPOP: a dead connection is noticed
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "global_keyprefix": f"{settings.fleet}:",
        },
    }


def _results(settings: Settings) -> dict[str, Any]:
    """Chords count in results; nothing else reads them."""
    return {
        "result_expires": _DAY,
        "result_chord_expires": 8 * _DAY,  # longer than the longest level, or the body never runs
        "result_chord_join_timeout": 2.0,  # the claim on a body must lapse before the message does
        "result_backend_always_retry": True,  # a task that ends during an outage did not fail
        "result_backend_max_retries": 100,
        "result_backend_transport_options": {"global_keyprefix": f"{settings.fleet}:result:"},
    }


def _connections() -> dict[str, Any]:
    """Never give up on a broker that is away."""
    return {
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,
        "broker_connection_timeout": 5,
        "redis_socket_timeout": 15.0,
        "redis_socket_connect_timeout": 5.0,
        "redis_socket_keepalive": True,
        "redis_retry_on_timeout": True,
        "redis_backend_health_check_interval": 10,
    }


def _shape(settings: Settings) -> dict[str, Any]:
    """Queues, pool, and what Flower sees."""
    return {
        "task_default_queue": contract.QUEUE,
        "task_create_missing_queues": False,
        "task_queues": [_queue(name) for name in taken_by(settings)],
        "worker_max_tasks_per_child": 500,  # what libraries leak ends with the child
        "worker_send_task_events": True,
        "task_send_sent_event": False,  # it would carry the plain task name and win over the shadow
        "task_track_started": False,  # events suffice
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "enable_utc": True,
    }


def taken_by(settings: Settings) -> tuple[str, ...]:
    """The queues that a worker of these settings listens to."""
    return queues.taken_by(settings.queues, settings.host_name)


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name)  # type: ignore[no-untyped-call]
