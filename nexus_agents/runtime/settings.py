"""Where Nexus keeps its things, and what agents.yaml says."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from nexus_agents.core.config import Config
from nexus_agents.core.errors import ConfigError, WorkspaceError
from nexus_agents.core.reading import read_config
from nexus_agents.runtime.yaml_file import read_yaml_file

__all__ = ["Settings", "check_workspace", "find_config", "find_home", "load_settings", "read_yaml"]


@dataclass(frozen=True)
class Settings:
    """Folders and files of one installation.

    Attributes:
        home: $NEXUS_HOME, or the platform's folder for user data.
        config: What agents.yaml says.
        config_file: The agents.yaml that was read; None where there is none.
    """

    home: Path
    config: Config = field(default_factory=Config)
    config_file: Path | None = None

    @property
    def database_url(self) -> str:
        """URL of the memory: $NEXUS_DATABASE, else what agents.yaml says, else a file in the home folder."""
        named = os.environ.get("NEXUS_DATABASE") or self.config.memory.url
        return named or f"sqlite:///{self.home / 'nexus.db'}"

    @property
    def log_file(self) -> Path:
        """Where tracebacks go."""
        return self.home / "logs" / "nexus.log"

    @property
    def voices(self) -> Path:
        """Where what was derived from clips is kept."""
        return self.home / "voices"

    @property
    def workspaces(self) -> Path:
        """Where runs work that were given no workspace."""
        return self.home / "workspaces"

    def calls(self, run_id: str) -> Path:
        """Where the tool calls of a run keep what is half done."""
        return self.home / "calls" / run_id


def load_settings(config_file: Path | None = None) -> Settings:
    """Find the home folder, make it, and read agents.yaml.

    agents.yaml is the file named here, else $NEXUS_CONFIG, else the one in the current folder, else the one in the home
    folder; where there is none, every setting has its default.

    Raises:
        ConfigError: The home folder cannot be made or written, or agents.yaml is wrong (with file and line).
    """
    home = find_home()
    found = find_config(config_file, home)
    return Settings(home, read_yaml(found) if found else Config(), found)


def read_yaml(path: Path) -> Config:
    """Read and check one agents.yaml.

    Raises:
        ConfigError: The file is not YAML, or a setting in it is wrong.
    """
    file = read_yaml_file(path)
    return read_config(file.data, file=str(path), folder=str(path.parent), line_of=file.line_of)


def find_config(named: Path | None, home: Path) -> Path | None:
    """Return the agents.yaml that is in force, or None where there is none; see `load_settings`.

    Raises:
        ConfigError: One was named that there is not.
    """
    named = named or (Path(os.environ["NEXUS_CONFIG"]) if os.environ.get("NEXUS_CONFIG") else None)
    if named and not named.is_file():
        raise ConfigError(
            f"There is no settings file {named}.", "Name a file that exists, or leave it out for the defaults."
        )
    candidates = [named] if named else [Path.cwd() / "agents.yaml", home / "agents.yaml"]
    return next((path for path in candidates if path.is_file()), None)


def find_home() -> Path:
    """Return the home folder of Nexus; it is made where it is missing.

    Raises:
        ConfigError: It cannot be made.
    """
    import platformdirs

    home = Path(os.environ.get("NEXUS_HOME") or platformdirs.user_data_path("nexus", appauthor=False)).expanduser()
    try:
        home = home.resolve()
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The folder of Nexus cannot be made: {home} ({error.strerror}).",
            "Set NEXUS_HOME to a folder that you may write to.",
        ) from error
    return home


def check_workspace(path: Path) -> Path:
    """Make a workspace folder where it is missing and check that it can be written.

    Raises:
        WorkspaceError: It is a file, or may not be written.
    """
    try:
        path = path.expanduser().resolve()
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".nexus-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except FileExistsError as error:
        raise WorkspaceError(f"The workspace {path} is a file.", "Name a folder with --workspace.") from error
    except OSError as error:
        raise WorkspaceError(
            f"The workspace {path} cannot be written: {error.strerror}.",
            "Make it writable, or name another folder with --workspace.",
        ) from error
    return path
