"""Where things are, read once from the environment."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from core.errors import Refusal

REPOSITORY = Path(__file__).resolve().parent.parent
SECRETS = REPOSITORY / ".streamlit" / "secrets.toml"
SAMPLES = REPOSITORY / "data" / "samples"
IDLE = timedelta(hours=8)
"""A session that nobody used for so long is over: a working day, since people read long answers and go to lunch."""
LIFETIME = timedelta(days=14)
"""However much it is used, a session is over then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The folders of one installation. Everything a user makes lives under `data`."""

    data: Path
    shared_models: Path | None = None
    """Where models lie when that is not under `data`, as for a demo that borrows the installation's."""
    other_backups: Path | None = None
    """Where backups go when that is not under `data`: better on another disk."""
    idle: timedelta = IDLE
    lifetime: timedelta = LIFETIME
    secrets: Path = SECRETS
    """What only the operator may read: the company's sign-in (see core/access/providers.py)."""

    @property
    def database(self) -> Path:
        return self.data / "countersign.duckdb"

    @property
    def anchor(self) -> Path:
        """The audit head, kept outside the database (see core/store/audit.py)."""
        return self.data / "anchor.jsonl"

    @property
    def jobs(self) -> Path:
        return self.data / "jobs"

    @property
    def models(self) -> Path:
        return self.shared_models or self.data / "models"

    @property
    def knowledge(self) -> Path:
        """Search indexes, one folder a version; what is missing is built anew from the database."""
        return self.data / "knowledge"

    @property
    def backups(self) -> Path:
        return self.other_backups or self.data / "backups"

    @property
    def adapters(self) -> Path:
        return self.data / "adapters"


def read() -> Settings:
    """The settings of this process; README names the variables. Raises Refusal for hours that are none."""
    elsewhere = os.environ.get("COUNTERSIGN_BACKUPS")
    return Settings(
        data=Path(os.environ.get("COUNTERSIGN_DATA") or REPOSITORY / "data").resolve(),
        other_backups=Path(elsewhere).resolve() if elsewhere else None,
        idle=_hours("COUNTERSIGN_IDLE_HOURS", IDLE),
        lifetime=_hours("COUNTERSIGN_SESSION_HOURS", LIFETIME),
        secrets=Path(os.environ.get("COUNTERSIGN_SECRETS") or SECRETS).resolve(),
    )


def _hours(name: str, otherwise: timedelta) -> timedelta:
    written = os.environ.get(name)
    try:
        hours = timedelta(hours=float(written)) if written else otherwise
    except (ValueError, OverflowError):
        hours = timedelta(0)
    if not timedelta(0) < hours <= timedelta(days=366):
        raise Refusal("%(name)s is %(written)s, but has to be a number of hours above 0.", name=name, written=written)
    return hours
