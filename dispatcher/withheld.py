"""Variables that are set where a run is started, and that its assets read but will not see.

Bruin hands on its whole environment. A script that reads such a variable with a default would do
something else here without a word, so that a note says it before the run. For running.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from assets_parser.spec import AssetSpec


def notes(
    specs: Iterable[AssetSpec], environ: Mapping[str, str], passed: Collection[str]
) -> Iterator[str]:
    """One sentence for each variable, by name; `passed` is the setting pass_env."""
    readers: dict[str, list[str]] = {}
    for spec in specs:
        for name in _set_elsewhere(spec, environ, passed):
            readers.setdefault(name, []).append(spec.name)
    for name, assets in sorted(readers.items()):
        more = f" and {len(assets) - 1} more" if len(assets) > 1 else ""
        verb = "read" if more else "reads"
        yield (
            f"{name} is set here, but {assets[0]}{more}, which {verb} it, will not see it: name a "
            "generic connection in its `secrets`, or the variable in the setting pass_env"
        )


def _set_elsewhere(
    spec: AssetSpec, environ: Mapping[str, str], passed: Collection[str]
) -> list[str]:
    found = [name for name in spec.reads if name in environ and name not in spec.environment]
    if not found:
        return []
    from workers import process_environment

    given = {secret.inject_as or secret.key for secret in spec.secrets}
    given |= {
        *process_environment.inherited(environ, passed),
        "PYTHONPATH",
        "BRUIN_CONNECTION_TYPES",
    }
    return [name for name in found if name not in given]
