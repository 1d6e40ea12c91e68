"""Celery's Redis transport and results, made to survive a broker that goes away for a while.

Stock Celery 5.7 exits when Redis restarts while a late-acknowledged task runs, puts its own running
tasks back in the queue when a connection drops, and re-delivers healthy tasks that run longer than
the visibility timeout. workers.app names these classes; nobody else imports them.
"""

import logging
import time
from json import JSONDecodeError
from typing import Any

from celery import bootsteps
from celery.backends.redis import RedisBackend
from celery.worker import state
from kombu.transport import redis, virtual
from kombu.utils.json import dumps

from workers import gate

logger = logging.getLogger(__name__)

_CLOCK_AGE = 60.0  # seconds for which the difference to Redis' clock is believed


class QoS(redis.QoS):
    """Unacknowledged messages, scored by Redis' own clock: hosts' clocks differ by minutes."""

    _offset: float = 0.0
    _measured: float = float("-inf")

    def now(self, client: Any) -> float:
        """Redis' time in epoch seconds, asked for at most once a minute."""
        if time.monotonic() - self._measured > _CLOCK_AGE:
            seconds, micros = client.time()
            self._offset = seconds + micros / 1e6 - time.time()
            self._measured = time.monotonic()
        return time.time() + self._offset

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message as delivered (kombu's own, but for the clock)."""
        where = message.delivery_info
        body = dumps(  # type: ignore[no-untyped-call]
            [message._raw, where["exchange"], where["routing_key"]]
        )
        with self.channel.conn_or_acquire() as client:
            pipe = client.pipeline().zadd(self.unacked_index_key, {delivery_tag: self.now(client)})
            pipe.hset(self.unacked_key, delivery_tag, body).execute()
        virtual.QoS.append(self, message, delivery_tag)  # type: ignore[no-untyped-call]

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """Give messages whose lease ran out to others (kombu's own, but for the clock)."""
        with self.channel.conn_or_acquire() as client:
            ceiling = self.now(client) - self.visibility_timeout
            try:
                with redis.Mutex(client, self.unacked_mutex_key, self.unacked_mutex_expire):
                    # ZRANGE, as kombu puts the fleet's prefix before the key of few commands
                    tags = client.zrange(
                        self.unacked_index_key,
                        0,
                        ceiling,
                        byscore=True,
                        offset=num and start,
                        num=num,
                    )
                    for tag in tags or []:
                        self.restore_by_tag(tag, client)  # type: ignore[no-untyped-call]
            except redis.MutexHeld:
                logger.debug("another worker looks for lost messages")

    def extend(self, tags: list[str]) -> None:
        """Renew the lease of the messages that this worker still works on."""
        with self.channel.conn_or_acquire() as client:
            client.zadd(self.unacked_index_key, dict.fromkeys(tags, self.now(client)), xx=True)


class Channel(redis.Channel):
    """A channel that can acknowledge after its connection was closed, and requeues at stop only."""

    QoS = QoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._kept: dict[str, Any] = {}
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self._kept = super()._connparams(asynchronous=False)  # type: ignore[no-untyped-call]

    @property
    def do_restore(self) -> bool:  # type: ignore[override]
        """Whether closing puts messages back: only while the worker stops.

        At a dropped connection the tasks still run here; delivery tags are valid on any connection.
        """
        flags = (state.should_stop, state.should_terminate)
        return any(flag is not None and flag is not False for flag in flags)  # 0 is an exit code

    def _brpop_read(self, **options: Any) -> Any:
        """One message; what is no JSON is dropped here, or it would end the worker."""
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            logger.warning("refused a message: it is no JSON: %s", error)
            return None

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection is None:
            return dict(self._kept)
        params = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        return dict(params)


class Transport(redis.Transport):
    """What redis:// and rediss:// stand for in an app of workers.app."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        """Hand a message to its consumer, with the queue that it was really taken from."""
        if fault := gate.misshapen(message, queue):
            logger.warning("refused a message in queue %.80r: %s", queue, fault)
            return
        message["properties"]["delivery_info"]["taken_from"] = queue
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]


class Results(RedisBackend):
    """Celery's results in Redis; nobody subscribes to them: the catalog tells all."""

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """Nothing: a subscription per message costs a third of the time of publishing."""

    def add_pending_result(
        self, result: Any, weak: bool = False, start_drainer: bool = True
    ) -> Any:
        """Nothing: nobody waits for a result."""
        return result

    def remove_pending_result(self, result: Any) -> Any:
        """Nothing: Celery would connect here, when a result is collected as garbage."""
        return result


class LeaseExtension(bootsteps.StartStopStep):
    """Consumer step: renews, on the worker's event loop, the lease of what is being worked on."""

    requires = ("celery.worker.consumer.tasks:Tasks",)  # type: ignore[assignment]

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)  # type: ignore[no-untyped-call]
        self.timer: Any = None

    def start(self, consumer: Any) -> None:
        """Begin with each new connection of the consumer."""
        visible = consumer.app.conf.broker_transport_options["visibility_timeout"]
        period = visible / 6  # five chances before another worker gets the message
        self.timer = consumer.timer.call_repeatedly(period, self.extend, (consumer,))

    def stop(self, consumer: Any) -> None:
        """End with the connection."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    shutdown = stop

    def extend(self, consumer: Any) -> None:
        """One renewal; while Redis is away there is nothing to renew."""
        channel = consumer.task_consumer.channel
        running = {r.message.delivery_tag for r in list(state.requests.values()) if r.message}
        tags = running | set(channel.qos._delivered) - channel.qos._dirty
        if not tags:
            return
        try:
            channel.qos.extend(sorted(tags))
        except consumer.connection_errors as error:
            logger.warning("could not renew messages: %s", error)
