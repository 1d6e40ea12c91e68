"""An S3-compatible store for tests: moto's server on a free loopback port."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStore:
    """One bucket. `options` are what the setting storage_options says of it."""

    endpoint: str
    bucket: str

    @property
    def url(self) -> str:
        """As the setting storage names it."""
        return f"s3://{self.bucket}/fleet"

    @property
    def options(self) -> tuple[str, ...]:
        """Where it is and who asks."""
        region = "client_kwargs.region_name=us-east-1"
        return (f"endpoint_url={self.endpoint}", "key=someone", "secret=planted", region)

    @property
    def client(self) -> Any:
        """boto3's own, for a judge outside the system."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id="someone",
            aws_secret_access_key="planted",
            region_name="us-east-1",
        )

    def names(self) -> list[str]:
        """All keys below the prefix."""
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [item["Key"].removeprefix("fleet/") for item in found]

    def text(self, name: str) -> str:
        """What an object holds."""
        got = self.client.get_object(Bucket=self.bucket, Key=f"fleet/{name}")
        return str(got["Body"].read().decode())


@contextmanager
def running() -> Iterator[ObjectStore]:
    """A store with an empty bucket for the time of the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        store = ObjectStore(endpoint=f"http://{host}:{port}", bucket=f"b{secrets.token_hex(4)}")
        store.client.create_bucket(Bucket=store.bucket)
        yield store
    finally:
        server.stop()


@pytest.fixture
def object_store() -> Iterator[ObjectStore]:
    """A store of this test's own."""
    with running() as store:
        yield store
