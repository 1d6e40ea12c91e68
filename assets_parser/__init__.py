"""Asset files become a Pipeline, a frozen value, and a plan. Pure: no network, Celery, database."""
