"""The house: who may know whom."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes", "gguf"}
WORKER_ONLY = {
    "core/generation/encoder.py",
    "core/generation/local.py",
    "core/generation/shared_prefix.py",
    "core/generation/weights.py",
    "core/generation/starter.py",
    "core/training/adapters.py",
    "core/training/attention.py",
    "core/training/lora.py",
    "core/training/losses.py",
    "core/training/machine.py",
    "core/training/merging.py",
    "core/training/probes.py",
    "core/training/reports.py",
    "core/training/sequences.py",
}
"""The only modules that may load them; workers import these, the app does not."""


def imported(path: Path) -> set[str]:
    """Every module that the file imports, wherever in the file it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", modules("core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_knows_neither_streamlit_nor_the_pages(path):
    assert not {name.split(".")[0] for name in imported(path)} & {"streamlit", "pages"}


@pytest.mark.parametrize("path", modules("core") + modules("pages"), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_worker_modules_load_the_heavy_libraries(path):
    if str(path.relative_to(ROOT)) not in WORKER_ONLY:
        assert not {name.split(".")[0] for name in imported(path)} & HEAVY


@pytest.mark.parametrize(
    "path",
    [
        *modules("core/generation"),
        *(
            ROOT / f"core/training/{name}.py"
            for name in ("adapters", "lora", "losses", "machine", "merging", "preflight", "probes")
        ),
        *(ROOT / f"core/training/{name}.py" for name in ("recipes", "reports", "schedules", "sequences")),
        ROOT / "core/training/work.py",
        ROOT / "core/review/rewriting.py",
        ROOT / "core/jobs/worker.py",
        ROOT / "core/jobs/folder.py",
        *modules("core/diagnosis"),
        *modules("core/intake"),
        *modules("core/scoring"),
        *(ROOT / f"core/judging/{name}.py" for name in ("fences", "criteria", "replies", "work", "calibration")),
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_workers_importers_scorers_and_statistics_never_see_the_database(path):
    assert not {name for name in imported(path) if name == "duckdb" or name.startswith("core.store")}


def test_the_store_knows_no_station():
    stations = {f"core.{name}" for name in ("evaluation", "review", "training", "release", "jobs", "access", "scoring")}
    for path in modules("core/store"):
        assert not {".".join(name.split(".")[:2]) for name in imported(path)} & stations


def test_starting_the_app_loads_no_torch():
    code = "import sys, pages._ui.entrance, core.jobs.supervisor, core.demo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_no_page_lies_where_streamlit_would_run_it_around_the_sign_in():
    assert [path.name for path in (ROOT / "pages").glob("*.py")] == []
    assert not (ROOT / "pages/_ui/pages").exists()


def test_nothing_shows_text_as_html_or_runs_code_of_models():
    for path in modules("core") + modules("pages"):
        source = path.read_text("utf-8")
        assert "unsafe_allow_html=True" not in source
        assert "trust_remote_code=True" not in source


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_the_map_of_files_names_every_folder_and_nothing_that_is_not_there(document):
    whole = (ROOT / document).read_text("utf-8").partition("## The house\n")[2].partition("\n## ")[0]
    drawn = whole.partition("```\n")[2].partition("```")[0] or "".join(re.findall(r"`[^`]*`", whole))
    named = set(re.findall(r"(?<![\w/])[\w./]+(?:/|\.py)(?!\w)", drawn))
    folders = {f"{path.parent.relative_to(ROOT)}/" for path in modules("core") + modules("pages")}
    folders = {folder for folder in folders if folder.count("/") == 2} - {"core/store/migrations/"}
    assert not {folder for folder in folders if not {folder, folder.removeprefix("pages/")} & named}
    assert not {name for name in named if not any((ROOT / start / name).exists() for start in ("", "pages"))}
