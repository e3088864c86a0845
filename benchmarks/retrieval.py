"""Searching 100,000 passages: milliseconds a question, memory, and questions a second beside plain rank-bm25.

`python benchmarks/retrieval.py [--passages 100000] [--questions 500] [--baseline-questions 20]`. The passages are made
up, as long as real ones, half of them Chinese; a question is six words of one passage, which has to be found among the
first ten (recall@10). Both sides get the same words, and each searches in a process of its own, so that its memory is
its own. Ours includes taking the question's words apart; rank-bm25 is given them. Search by meaning is measured over as
many random vectors of 384 numbers, the length that small models for embeddings give; a question's is one of them with
noise.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate, product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TOP = 10
LENGTH = 384
PARTS = ("build", "ours", "meaning", "baseline")
SYLLABLES = [a + b for a, b in product("b d f g k l m n p r s t v z".split(), "a e i o u".split())]  # noqa: SIM905
CHINESE = "卡账单还款额度分期逾期手续费挂失补办密码冻结消费商户退款积分年费利息取现转账审核客户服务申请办理查询核实"


def texts(count: int) -> Iterator[str]:
    """Made-up passages of about 900 bytes, one after the other; common words are common, as in any language."""
    draw = random.Random(1)
    english = ["".join(word) for word in product(SYLLABLES, repeat=2)] + [
        "".join(draw.choices(SYLLABLES, k=3)) for _ in range(30_000)
    ]
    chinese = [one + other for one, other in product(CHINESE, CHINESE)]
    # Summed up once: `choices` would do it for every passage, which takes longer than all the rest.
    weights = {
        len(words): list(accumulate(1 / rank for rank in range(1, len(words) + 1))) for words in (english, chinese)
    }
    for number in range(count):
        words, length, gap = (english, 130, " ") if number % 2 else (chinese, 140, "")
        yield gap.join(draw.choices(words, cum_weights=weights[len(words)], k=length)) + f" {number}."


def questions(passages: list[str], count: int) -> list[tuple[int, str]]:
    """Places of passages with six of their words each, never the number at their end."""
    draw = random.Random(2)
    found = []
    for place in draw.sample(range(len(passages)), count):
        text = passages[place].rpartition(" ")[0]
        start = draw.randrange(10, len(text) - 60)
        piece = text[start : start + (40 if place % 2 else 12)]
        found.append((place, piece.partition(" ")[2].rpartition(" ")[0] if place % 2 else piece))
    return found


def memory() -> float:
    """Most megabytes that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def ours(folder: Path, asked: list[tuple[int, str]]) -> dict[str, float]:
    """Questions to an index on disk, opened as the app opens it."""
    from core.knowledge import searching

    searching.search(folder, "卡 card", TOP)  # opening, and reading the Chinese words, is done once
    seconds, hits = [], 0
    for place, question in asked:
        started = time.perf_counter()
        found = searching.search(folder, question, TOP)
        seconds.append(time.perf_counter() - started)
        hits += f"p{place}" in {hit.passage_id for hit in found}
    return _told(seconds, hits)


def vectors(folder: Path, count: int) -> None:
    """Random vectors of length 1 on disk, as an index keeps them."""
    import numpy as np

    made = np.random.default_rng(3).standard_normal((count, LENGTH), dtype=np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    np.save(folder / "vectors.npy", made)


def meaning(folder: Path, count: int) -> dict[str, float]:
    """Questions by their vectors, mapped from the disk as the app does."""
    import numpy as np

    from core.knowledge import dense

    kept = np.load(folder / "vectors.npy", mmap_mode="r")
    draw = np.random.default_rng(4)
    seconds, hits = [], 0
    for place in draw.integers(0, len(kept), count):
        asked = kept[place] + draw.standard_normal(LENGTH, dtype=np.float32) / LENGTH**0.5
        asked /= np.linalg.norm(asked)
        started = time.perf_counter()
        found = dense.search(kept, asked, TOP)
        seconds.append(time.perf_counter() - started)
        hits += place in {one for one, _ in found}
    return _told(seconds, hits)


def baseline(passages: list[list[str]], asked: list[tuple[int, list[str]]]) -> dict[str, float]:
    """The same questions to rank-bm25, which holds everything in memory and scores in Python."""
    import numpy as np
    from rank_bm25 import BM25Okapi

    engine = BM25Okapi(passages)
    seconds, hits = [], 0
    for place, question in asked:
        started = time.perf_counter()
        best = np.argsort(engine.get_scores(question))[::-1][:TOP]
        seconds.append(time.perf_counter() - started)
        hits += place in best
    return _told(seconds, hits)


def _told(seconds: list[float], hits: int) -> dict[str, float]:
    return {
        "median_ms": statistics.median(seconds) * 1000,
        "p95_ms": sorted(seconds)[int(len(seconds) * 0.95)] * 1000,
        "per_second": len(seconds) / sum(seconds),
        "recall": hits / len(seconds),
        "questions": len(seconds),
        "memory_mb": memory(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--baseline-questions", type=int, default=20)
    parser.add_argument("--part", choices=PARTS, help="one part only, as the whole runs it")
    parser.add_argument("--folder", type=Path, help="where the parts meet")
    asked = parser.parse_args()
    if asked.part is None:
        with tempfile.TemporaryDirectory() as folder:
            for part in PARTS:
                given = ["--passages", str(asked.passages), "--questions", str(asked.questions)]
                given += ["--baseline-questions", str(asked.baseline_questions), "--part", part, "--folder", folder]
                subprocess.run([sys.executable, __file__, *given], check=True)
        return
    made = asked.folder / "asked.json"
    if asked.part == "build":
        from core.knowledge import searching

        started = time.perf_counter()
        searching.build(
            asked.folder / "index", ((f"p{place}", text) for place, text in enumerate(texts(asked.passages)))
        )
        size = sum(file.stat().st_size for file in (asked.folder / "index").iterdir())
        took = time.perf_counter() - started
        print(
            f"{asked.passages:,} passages made up and indexed in {took:.0f} s, {size / 1e6:.0f} MB on disk, "
            f"{memory():.0f} MB at most"
        )
        vectors(asked.folder, asked.passages)
        made.write_text(json.dumps(questions(list(texts(asked.passages)), min(asked.questions, asked.passages))))
    elif asked.part == "ours":
        every = json.loads(made.read_text())
        _say("ours", ours(asked.folder / "index", every))
        _say("ours, the baseline's questions", ours(asked.folder / "index", every[: asked.baseline_questions]))
    elif asked.part == "meaning":
        _say("by meaning", meaning(asked.folder, asked.questions))
    else:
        from core.knowledge import words

        passages = [list(map(sys.intern, words.of(text))) for text in texts(asked.passages)]
        few = json.loads(made.read_text())[: asked.baseline_questions]
        _say("rank-bm25", baseline(passages, [(place, words.of(question)) for place, question in few]))


def _say(name: str, found: dict[str, float]) -> None:
    print(
        f"{name}: {found['median_ms']:.1f} ms a question (95% under {found['p95_ms']:.1f}), {found['per_second']:.1f} "
        f"a second, recall@{TOP} {found['recall']:.0%} of {found['questions']:.0f}, {found['memory_mb']:.0f} MB at most"
    )


if __name__ == "__main__":
    main()
