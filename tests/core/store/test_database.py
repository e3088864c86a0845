"""The database opens the same way everywhere, and says so in a sentence when it cannot."""

import subprocess
import sys

import duckdb
import pytest

from core.errors import Refusal
from core.settings import Settings
from core.store import database


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data")


def test_a_second_process_on_the_same_folder_is_refused_with_a_sentence(settings):
    conn = database.connect(settings)
    code = (
        "import sys; from pathlib import Path; from core.settings import Settings; from core.store import database\n"
        "from core.errors import Refusal\n"
        "try: database.connect(Settings(data=Path(sys.argv[1])))\n"
        "except Refusal as refusal: print(refusal)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(settings.data)], capture_output=True, text=True)
    conn.close()
    assert said.stdout.startswith("Another Countersign already uses the data folder")
    assert "Traceback" not in said.stderr


def test_migrations_are_numbered_without_a_gap_or_a_double():
    numbers = [int(script.name.split("_")[0]) for script in sorted(database.MIGRATIONS.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_newer_schema_is_refused_and_left_alone(settings):
    conn = database.connect(settings)
    conn.cursor().execute("insert into migrations values ('999_future.sql', now()::timestamp)")
    conn.close()
    with pytest.raises(Refusal, match="newer Countersign"):
        database.connect(settings)


def test_migrating_twice_changes_nothing(settings):
    conn = database.connect(settings)
    before = conn.cursor().execute("select * from migrations").fetchall()
    conn.close()
    conn = database.connect(settings)
    assert conn.cursor().execute("select * from migrations").fetchall() == before
    conn.close()


def test_a_data_folder_that_is_a_file_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(Refusal, match="cannot be used"):
        database.connect(Settings(data=tmp_path / "data"))


def test_sql_cannot_read_or_write_other_files_or_unlock_itself(settings, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    conn = database.connect(settings)
    for forbidden in (
        f"select * from read_csv('{tmp_path}/secret.csv')",
        f"copy migrations to '{tmp_path}/out.csv'",
        "set enable_external_access = true",
        f"attach '{tmp_path}/other.duckdb'",
    ):
        with pytest.raises(duckdb.Error):
            conn.cursor().execute(forbidden).fetchall()
    conn.close()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["secret.csv"]


def test_what_is_inserted_comes_back_whatever_it_contains(settings):
    conn = database.connect(settings).cursor()
    nasty = ["", "'; drop table people; --", "会签\x00\n", "🙂" * 1000, None]
    records = [
        {"answer_id": f"a{n}", "run_id": "r", "sample_id": "s", "repeat": n, "text": text,
         "failure": None if text is not None else "no answer", "prompt_tokens": None if n else 3}
        for n, text in enumerate(nasty)
    ]  # fmt: skip
    conn.begin()
    database.insert(conn, "answers", records)
    conn.commit()
    found = database.rows(conn, "select text, prompt_tokens from answers order by repeat")
    assert [row["text"] for row in found] == nasty
    assert [row["prompt_tokens"] for row in found] == [3, None, None, None, None]


def test_names_that_are_no_plain_words_never_reach_sql(settings):
    conn = database.connect(settings).cursor()
    with pytest.raises(ValueError, match="plain words"):
        database.insert(conn, "people; drop table people", [{"a": 1}])
