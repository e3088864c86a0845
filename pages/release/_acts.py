"""Words for what the audit trail records."""

from core.locale.mark import N_
from pages._ui.session import plain

ACTS = {
    "answer.rated": N_("Answer rated"),
    "answers.stored": N_("Answers stored"),
    "backup.made": N_("Backup made"),
    "backup.restored": N_("Backup restored"),
    "breakage.answered": N_("Broken sample answered"),
    "candidate.proposed": N_("Candidate put up"),
    "confirmation.failed": N_("Password wrong when signing"),
    "confirmation.succeeded": N_("Password confirmed"),
    "eval_set.saved": N_("Eval set saved"),
    "flag.closed": N_("Flag closed"),
    "guide.answered": N_("Questions on retrieval or fine-tuning answered"),
    "knowledge.added": N_("Documents added to the knowledge base"),
    "knowledge.removed": N_("Document taken out of the knowledge base"),
    "knowledge.brought_back": N_("Earlier knowledge base brought back"),
    "knowledge.way_chosen": N_("Way of searching chosen"),
    "vectors.stored": N_("Vectors of passages stored"),
    "job.done": N_("Job done"),
    "job.failed": N_("Job failed"),
    "job.interrupted": N_("Job interrupted"),
    "job.launched": N_("Job started"),
    "job.relaunched": N_("Job started again"),
    "job.resumed": N_("Job resumed"),
    "job.stop_asked": N_("Job told to stop"),
    "job.stopped": N_("Job stopped"),
    "ladder.saved": N_("Prompts saved"),
    "model.added": N_("Model added"),
    "model.corrected": N_("Key name of an endpoint corrected"),
    "model.fetch_started": N_("Starter model asked for"),
    "person.created": N_("Person added"),
    "person.deactivated": N_("Person deactivated"),
    "person.locked": N_("Account locked after wrong passwords"),
    "person.unlocked": N_("Account unlocked by an admin"),
    "person.password_changed": N_("Password changed"),
    "person.password_given": N_("Password given by an admin"),
    "person.reactivated": N_("Person reactivated"),
    "person.roles_changed": N_("Roles changed"),
    "person.language_chosen": N_("Language chosen"),
    "plan.signed": N_("Plan signed"),
    "question.decided": N_("Test question checked"),
    "questions.asked": N_("Test questions asked of a model"),
    "questions.stored": N_("Test questions stored"),
    "queue.created": N_("Answers put up for rating"),
    "model.terms_set": N_("Model's prices and limits set"),
    "recovery.accepted": N_("Missing entries accepted"),
    "release.released": N_("Released"),
    "release.rolled_back": N_("Rolled back"),
    "result.opened": N_("Results opened without a plan"),
    "run.cap_raised": N_("Spending cap raised"),
    "run.retried": N_("Failed calls asked again"),
    "run.started": N_("Run asked for"),
    "samples.approved": N_("Samples approved"),
    "samples.rejected": N_("Samples rejected"),
    "samples.withdrawn": N_("Approval withdrawn"),
    "served.drawn": N_("Samples drawn from production"),
    "served.taken_in": N_("Answers from production taken in"),
    "serving.key_made": N_("Key made"),
    "serving.key_revoked": N_("Key revoked"),
    "serving.share_set": N_("Share of kept answers set"),
    "session.ended": N_("Signed out"),
    "session.ended_everywhere": N_("Signed out everywhere"),
    "session.started": N_("Session begun"),
    "sign_in.failed": N_("Sign-in failed"),
    "sign_in.succeeded": N_("Signed in"),
    "sign_off.requested": N_("Put up for sign-off"),
    "sign_off.signed": N_("Decision signed"),
    "task.created": N_("Task created"),
    "training_set.frozen": N_("Training set frozen"),
    "trial.started": N_("Trial started"),
}

PROGRAM = {
    "command": N_("Countersign (command line)"),
    "supervisor": N_("Countersign (jobs)"),
    "system": N_("Countersign"),
    "worker": N_("Countersign (worker)"),
    "nobody": N_("somebody not signed in"),
}


def act(name: str | None) -> str:
    """An act in the reader's words; None is every act."""
    return plain("Everything") if name is None else plain(ACTS.get(name, name))


def actor(person_id: str | None) -> str:
    """Who acted; None is everybody."""
    return plain("Everybody") if person_id is None else plain(PROGRAM[person_id]) if person_id in PROGRAM else person_id
