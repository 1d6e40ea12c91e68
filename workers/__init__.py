"""The Celery app, its tasks, and all that they use to run, load and check assets."""
