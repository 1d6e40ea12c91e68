"""The Celery app and its tasks; Python pool and env store; asset runner; loader; checks; storage."""
