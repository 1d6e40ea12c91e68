"""What happened: runs, asset runs, steps, attempts, checks, artifacts.

SQLAlchemy 2 and Alembic; no Celery.
"""
