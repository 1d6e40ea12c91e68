"""Calls uv: with a plain environment, this worker's own cache, and uv's own words on failure.

Used by workers.pool (Python versions) and workers.envs (environments).
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workers import supervisor
from workers.errors import StepFailed
from workers.pulse import HELD
from workers.settings import Settings

TIMEOUT = 1800.0  # seconds for one call; packages may have to be built
MAX_DETAIL = 6000  # characters of uv's words that are kept, from the end
MARKS = ("\u00d7", "\u2570\u2500\u25b6")  # with which uv begins an error and its cause
PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
KEPT = frozenset(
    [
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "TZ",
        "XDG_CONFIG_HOME",
        "XDG_CONFIG_DIRS",
        "XDG_DATA_HOME",
        "NETRC",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SSL_CLIENT_CERT",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "SSH_AUTH_SOCK",
        "GIT_SSH_COMMAND",
        "CC",
        "CXX",
        "CFLAGS",
        "LDFLAGS",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_NO_INDEX",
        "UV_INDEX_STRATEGY",
        "UV_KEYRING_PROVIDER",
        "UV_INSECURE_HOST",
        "UV_NATIVE_TLS",
        "UV_SYSTEM_CERTS",
        "UV_HTTP_TIMEOUT",
        "UV_HTTP_RETRIES",
        "UV_OFFLINE",
        "UV_EXCLUDE_NEWER",
        "UV_CONFIG_FILE",
        "UV_PYTHON_INSTALL_DIR",
        "UV_PYTHON_INSTALL_MIRROR",
        "UV_PYTHON_DOWNLOADS_JSON_URL",
    ]
)


def environment(settings: Settings) -> dict[str, str]:
    """uv's environment: what configures an index is kept, what names an environment is not."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key in KEPT or (key.startswith("UV_INDEX_") and key.endswith(("_USERNAME", "_PASSWORD")))
    }
    return kept | {
        "PATH": PLAIN_PATH,
        "UV_CACHE_DIR": str(settings.uv_cache),
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "manual",
        "NO_COLOR": "1",
    }


def find(settings: Settings) -> str:
    """The uv binary: as set, of the installed package, or on PATH; StepFailed if none is."""
    if settings.uv:
        return str(Path(shutil.which(settings.uv) or settings.uv).absolute())
    with contextlib.suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin  # noqa: PLC0415 - only where nothing is set

        return str(find_uv_bin())
    found = shutil.which("uv")
    if found is None:
        raise StepFailed("env", "uv was not found", hint="pip install uv, or set FLEET_UV")
    return found


def uv(
    settings: Settings,
    *args: str,
    what: str,
    cwd: Path | None = None,
    stop: Callable[[], str | None] | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """Run uv and return what it printed; StepFailed(kind="env") with its own words if it fails.

    `what` names the purpose for the message; `stop` is asked four times a second; `more` joins
    uv's environment.
    """
    errors: list[str] = []
    with tempfile.TemporaryFile() as output:
        try:
            ended = supervisor.mine().run(
                [find(settings), *args],
                {**environment(settings), **(more or {})},
                cwd or Path.cwd(),
                on_line=errors.append,
                stop=_Stop(stop) if stop else None,
                timeout=TIMEOUT,
                lease=settings.lease * HELD,
                output=output.fileno(),
            )
        except supervisor.SupervisorError as error:
            raise StepFailed("env", f"uv cannot be started: {error}") from error
        output.seek(0)
        _judge(ended, what, "\n".join(errors))
        return output.read().decode(errors="replace")


@dataclass(frozen=True, slots=True)
class _Stop:
    """What a supervisor asks, of a function that tells the reason."""

    ask: Callable[[], str | None]

    @property
    def reason(self) -> str | None:
        return self.ask()

    def wait(self, timeout: float) -> str | None:
        time.sleep(timeout)
        return self.ask()


def _judge(ended: supervisor.Exit, what: str, errors: str) -> None:
    if ended.reason == "timeout":
        raise StepFailed("env", f"uv did not finish within {TIMEOUT:.0f} s")
    if ended.reason in ("lease", "lost"):
        raise StepFailed("lost", "the worker lost sight of uv, which was ended")
    if ended.reason:
        raise StepFailed("cancelled", f"stopped while uv was running: {ended.reason}")
    if ended.code or ended.signal:
        raise StepFailed("env", _headline(what, errors), detail=_trim(errors))


def _headline(what: str, err: str) -> str:
    lines = [line.strip() for line in err.splitlines()]
    causes = [line for line in lines if line.startswith(("error:", *MARKS))]
    said = " ".join(line.removeprefix("error:").strip("".join(MARKS) + " ") for line in causes[:2])
    return f"{what}: {said}" if said else f"{what}: uv failed"


def _trim(err: str) -> str:
    text = "\n".join(line.rstrip() for line in err.strip().splitlines())
    return text if len(text) <= MAX_DETAIL else "[...]\n" + text[-MAX_DETAIL:]


def config_flags() -> list[str]:
    """Flags for a requirements.txt: only the user's own configuration counts, no project's."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    named = os.environ.get("UV_CONFIG_FILE")
    file = Path(named) if named else base / "uv" / "uv.toml"
    return ["--config-file", str(file)] if file.is_file() else ["--no-config"]
