"""The name of an asset that gives itself none, from its path. `pipeline` calls this."""

# paths are text here: a thousand Path objects cost more than reading the files
# ruff: noqa: PTH118, PTH206

import os


def infer(path: str, pipeline_folder: str) -> str:
    """The dotted path below the pipeline's `assets` folder, without the file's suffix.

    Files under `tasks` get the leading dots that Bruin gives them.
    """
    relative = os.path.relpath(path, os.path.join(pipeline_folder, "assets"))
    parts = relative.split(os.sep)
    if "assets" in parts:
        parts = parts[parts.index("assets") + 1 :]
    name = ".".join(parts)
    for suffix in (".asset.yml", ".asset.yaml"):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name.rpartition(".")[0] or name
