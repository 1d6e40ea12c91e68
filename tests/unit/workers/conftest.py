"""Fixtures of these tests: a real broker."""

from tests.support.broker import valkey

__all__ = ["valkey"]
