"""Asset files become a Pipeline, a frozen value; validation; the DAG. Pure: no network, no Celery, no database."""
