"""`python -m core.jobs.worker FOLDER`: does the one job in the folder. It never opens the database."""

import errno
import importlib
import os
import sys
import traceback
from pathlib import Path

from core.errors import Refusal
from core.jobs import folder as job_folder
from core.locale.mark import N_

WORK = {
    "generate": "core.generation.work",
    "judge": "core.judging.work",
    "train": "core.training.work",
    "probe": "core.training.work",
    "export": "core.training.merging",
    "fetch": "core.generation.starter",
    "hub": "core.generation.hub",
    "rewrite": "core.review.rewriting",
    "index": "core.knowledge.work",
}
"""Each kind's module has `work(folder, spec) -> dict`, imported here and not before, since it may load torch."""

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""No room, larger than a file may be, quota used up."""


def main(folder: Path) -> int:
    """Do the job and leave `result.json`, success or not; 0 if it is done or was stopped."""
    descriptor = int(os.environ["COUNTERSIGN_LOCK"]) if "COUNTERSIGN_LOCK" in os.environ else job_folder.lock(folder)
    if descriptor is None:
        print("Another worker is busy in this folder.", file=sys.stderr)
        return 2
    if job_folder.result(folder) is not None:
        return 0
    spec = job_folder.spec(folder)
    job_folder.tell(folder, "started", pid=os.getpid())
    try:
        made = importlib.import_module(WORK[spec["kind"]]).work(folder, spec)
    except Refusal as refusal:
        job_folder.finish(folder, "failed", refusal.message, values=refusal.values)
    except MemoryError:
        job_folder.finish(
            folder, "failed", N_("The machine ran out of memory. Use a smaller model or smaller batches.")
        )
    except OSError as error:
        if error.errno not in FULL:
            return _fail(folder, error)
        # Result and log may not fit either: make room first, then say so.
        (folder / "events.jsonl").unlink(missing_ok=True)
        job_folder.finish(folder, "failed", N_("The disk is full. Free some space, then press Resume."))
    except Exception as error:  # the boundary of the process: whatever it was, the app must be told
        return _fail(folder, error)
    else:
        job_folder.finish(folder, "stopped" if made.pop("stopped", False) else "done", **made)
        return 0
    return 1


def _fail(folder: Path, error: Exception) -> int:
    traceback.print_exc()
    job_folder.finish(
        folder,
        "failed",
        N_("The worker ended with an error it did not expect: %(error)s. The whole log is in the job's folder."),
        values={"error": f"{type(error).__name__}: {error}"[:300]},
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
