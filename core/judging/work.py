"""The job of a judge: every item asked once, unreadable replies once more, and kept in shards as they come."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.generation import work as generation
from core.generation.base import Answer, Decoding, Request
from core.jobs import folder as job_folder
from core.judging import replies
from core.scoring import texts


def work(folder: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Judge the rows of `items.jsonl` that no shard has: `judgement_id`, `messages`, `allowed`.

    `spec` has "model" as a generate job's spec describes one, and "decoding". The counts returned are of the job.
    """
    items = {item["judgement_id"]: item for item in job_folder.read_lines(folder / "items.jsonl")}
    judged = {row["judgement_id"] for shard in job_folder.shards(folder) for row in job_folder.read_lines(shard)}
    waiting = [item for name, item in items.items() if name not in judged]
    decoding = Decoding(**spec["decoding"])

    def stopped() -> bool:
        return job_folder.asked_to_stop(folder)

    def ask(asked: Iterable[dict[str, Any]], *, again: bool) -> list[dict[str, Any]]:
        """Keep what can be read; returns the items, as they are to be asked again, that cannot."""
        requests = [
            Request(key=item["judgement_id"], messages=tuple(item["messages"]), schema=replies.schema(item["allowed"]))
            for item in asked
        ]
        unread = []
        for answers in generator.generate(requests, decoding, stopped=stopped) if requests else ():
            rows = []
            for answer in answers:
                item = items[answer.key]
                said = replies.read(answer.text or "", item["allowed"])
                if answer.text is not None and said.problem and not again:
                    messages = replies.repair(item["messages"], said.problem)
                    unread.append({**item, "messages": messages})
                else:
                    rows.append(_row(answer, said, repaired=again))
            if rows:
                job_folder.add_shard(folder, rows)
                judged.update(row["judgement_id"] for row in rows)
            job_folder.tell(folder, "progress", done=len(judged), total=len(items))
        return unread

    if waiting and not stopped():
        job_folder.tell(folder, "phase", name="loading model", model=spec["model_id"])
        generator = generation.load(spec["model"])
        job_folder.tell(folder, "phase", name="judging", model=spec["model_id"])
        ask(ask(waiting, again=False), again=True)
    return {"judged": len(judged), **({"stopped": True} if len(judged) < len(items) else {})}


def _row(answer: Answer, said: replies.Said, *, repaired: bool) -> dict[str, Any]:
    failure = None if answer.failure is None else str(answer.failure)
    if failure is None and said.verdict is None:
        failure = f"The reply could not be read: {said.problem}."
    return {
        "judgement_id": answer.key,
        "verdict": said.verdict,
        "rationale": said.rationale,
        "failure": failure,
        "reply": texts.storable((answer.text or "")[: replies.LONGEST_REPLY]),
        "repaired": repaired,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "latency_s": answer.latency_s,
    }
