"""The pipeline of the fault suite on Celery alone, as a careful person writes it by its manual."""
