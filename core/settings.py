"""Where things are, read once from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SAMPLES = REPOSITORY / "data" / "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The folders of one installation. Everything a user makes lives under `data`."""

    data: Path
    shared_models: Path | None = None
    """Where models lie when that is not under `data`, as for a demo that borrows the installation's."""
    other_backups: Path | None = None
    """Where backups go when that is not under `data`: better on another disk."""

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
    """The settings of this process; `COUNTERSIGN_DATA` moves the data folder, `COUNTERSIGN_BACKUPS` the backups."""
    elsewhere = os.environ.get("COUNTERSIGN_BACKUPS")
    return Settings(
        data=Path(os.environ.get("COUNTERSIGN_DATA") or REPOSITORY / "data").resolve(),
        other_backups=Path(elsewhere).resolve() if elsewhere else None,
    )
