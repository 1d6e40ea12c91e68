"""Which fleet a command works with: a configured one, the one that is up, or an embedded one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatcher.problems import FleetError
from dispatcher.words import some
from workers.settings import Settings, SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from dispatcher.embedded import Embedded


@dataclass(slots=True)
class Fleet:
    """A fleet that takes runs. `shared` says that its workers see our files: it is on this host."""

    settings: Settings
    words: str
    shared: bool
    embedded: "Embedded | None" = None

    def check(self) -> None:
        """FleetError if it was ours and has ended."""
        if self.embedded:
            self.embedded.check()

    def close(self, *, keep_logs: bool = False) -> None:
        """End it if it was started for this command."""
        if self.embedded:
            self.embedded.close(keep_logs=keep_logs)


def load_settings(overrides: dict[str, Any], project: Path | None = None) -> Settings:
    """The settings, from flags, environment and fleet.toml; FleetError names the wrong one."""
    config = overrides.pop("config", None)
    try:
        return Settings.load(
            overrides=overrides, config_file=Path(config) if config else None, project=project
        )
    except SettingsError as error:
        raise FleetError(str(error)) from error


def existing(settings: Settings) -> Fleet | None:
    """A configured fleet, or the one that is up on this host."""
    if settings.broker:
        return Fleet(settings, f"fleet {settings.fleet} at {place(settings.broker)}", shared=False)
    from dispatcher import local

    found = local.find(settings)
    if found and found.alive() and found.serves(settings):
        slots = some(found.slots, "slot")
        return Fleet(found.settings(settings), f"fleet of `fleet up`, {slots}", shared=True)
    return None


def find_or_start(settings: Settings) -> Fleet:
    """An existing fleet, else an embedded one, which is still starting when this returns."""
    if found := existing(settings):
        return found
    from dispatcher import embedded

    started = embedded.start(settings)
    slots = some(settings.slot_count, "slot")
    return Fleet(started.settings, f"embedded fleet, {slots}", shared=True, embedded=started)


def require(settings: Settings) -> Fleet:
    """An existing fleet; FleetError if there is none to work with."""
    if found := existing(settings):
        return found
    raise FleetError(
        "no fleet is running here", hint="start one with fleet up, or name one with --broker"
    )


def catalog(settings: Settings) -> "Engine":
    """The catalog, brought to the newest revision."""
    from catalog.engine import connect, upgrade

    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        engine = connect(settings.catalog_url)
    except ValueError as error:
        raise FleetError(str(error), hint="see --catalog") from error
    upgrade(engine)
    return engine


def place(broker: str) -> str:
    """Host and port of a broker, without its password."""
    parts = urlsplit(broker)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
