"""The formats of files that ingestr reads. Used by workers.seed_step and workers.ingest_step."""

from workers import downloads
from workers.errors import StepFailed

_FORMATS = {
    "csv": "csv",
    "parquet": "parquet",
    "pq": "parquet",
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "avro": "avro",
}


def of(path: str, declared: str = "") -> str:
    """The format of the file at `path` (or a URL): as declared, else by its extension, else CSV."""
    if declared:
        found = _FORMATS.get(declared.strip().lower().lstrip("."))
        if found is None:
            known = ", ".join(_FORMATS)
            raise StepFailed("config", f"file_type {declared!r} is not known; known: {known}")
        return found
    name = path.partition("?")[0].partition("#")[0] if downloads.is_address(path) else path
    return _FORMATS.get(name.rpartition(".")[2].lower(), "csv")
