/* How the card looks at each moment: methods of the room, which card.js gives them to. */

const NARROW = matchMedia("(max-width: 44rem)");

const Drawing = {
  /* Everything that depends on the answer in front. `anew` when another one came: the panes begin at their top. */
  draw(anew = true) {
    const { item } = this.line;
    const busy = !item || this.paused;
    this.$(".room").classList.toggle("resting", busy);
    if (anew) {
      this.correcting = Boolean(item && this.store.draft(item).correction !== null);
      this.shownAt = performance.now();
      for (const field of this.fields()) field.blur();
    }
    if (busy) this.rest(item);
    else this.answer(item);
    if (anew) this.toTop();
    this.tell();
  },

  /* The panes begin at their top; on a narrow screen, where the page scrolls too, so does the card. */
  toTop() {
    for (const pane of this.parent.querySelectorAll(".pane")) pane.scrollTop = 0;
    if (NARROW.matches) this.$("header").scrollIntoView({ block: "nearest" });
  },

  answer(item) {
    const draft = this.store.draft(item);
    const shown = this.shown(item);
    write(this.$(".input"), item.input);
    write(this.$(".context"), item.context);
    this.$(".known").hidden = !item.context;
    this.$(".passages").replaceChildren(...item.passages.flatMap((one) => this.passage(one)));
    const compared = this.withDifferences && shown && mark(this.$(".output"), item.text, item.reference);
    if (compared) mark(this.$(".wanted"), item.reference, item.text);
    else {
      write(this.$(".output"), item.text);
      write(this.$(".wanted"), shown ? item.reference : "");
    }
    if (this.withDifferences && shown && !compared) this.problem = this.words.too_long;
    const headings = [this.words.field, this.words.answer, this.words.reference];
    this.$(".fields").replaceChildren(...(item.fields.length ? [table(item.fields, shown, headings)] : []));
    this.$(".output").classList.toggle("raw", item.fields.length > 0);
    this.$(".cut").hidden = !item.cut;
    this.$(".reference").hidden = !shown;
    this.$(".correct").hidden = !this.correcting;
    const correction = draft.correction ?? item.text;
    if (this.$(".correction").value !== correction) this.$(".correction").value = correction;
    this.$(".correction").lang = languageOf(item.text);
    if (this.$(".note").value !== draft.note) this.$(".note").value = draft.note;
    this.repair(draft);
    this.$(".judged").textContent = item.judged ? this.verdictOf(item.judged) : "";
    for (const one of this.parent.querySelectorAll(".needs-reference"))
      one.hidden = !item.reference || this.data.reference !== "on_demand";
  },

  /* The line under the correction: what to tell the model, and how far it is. */
  repair(draft) {
    const { words } = this;
    this.$(".repair").hidden = !this.data.repair;
    const wrong = this.$(".said-wrong");
    const told = (draft.asked ? draft.sent : draft.wrong) || ""; // what the model was told stays in sight meanwhile
    if (wrong.value !== told) wrong.value = told;
    wrong.readOnly = this.$(".correction").readOnly = this.$(".rewrite button").disabled = Boolean(draft.asked);
    const said = draft.asked ? words.rewriting : words.rounds[draft.told] || "";
    this.$(".round").textContent = said.replace("{round}", draft.round);
  },

  passage(one) {
    const text = element("p", "text passage");
    text.translate = false;
    text.lang = languageOf(one.parts.map(([part]) => part).join(""));
    text.append(...one.parts.map(([part, hit]) => (hit ? element("mark", "", part) : document.createTextNode(part))));
    return [element("h3", "", one.source), text];
  },

  verdictOf(judged) {
    const { words } = this;
    const said = judged.points ? words.points[judged.points - 1] : words[judged.verdict];
    return words.you_said.replace("{verdict}", said);
  },

  /* The calm screens: nothing waits, the next answers are on their way, or a pause. */
  rest(item) {
    const { words, data } = this;
    const waits = !item && data.progress.mine < data.progress.total && (this.store.pending.length || this.line.more);
    this.$(".calm-title").textContent = this.paused ? words.paused : waits ? words.loading : words.finished;
    const saved = this.store.pending.length ? words.still_saving : words.all_saved;
    this.$(".calm-text").textContent = waits && !this.paused ? "" : saved;
    const acts = this.paused
      ? [this.button(words.resume, "", () => this.pause(), "pass")]
      : this.line.history.length
        ? [this.button(words.undo, "U", () => this.undo(), "plain")]
        : [];
    this.$(".calm-acts").replaceChildren(...acts);
  },

  /* What changes without another answer: progress, saving, chosen remarks, a problem. */
  tell() {
    const { words, data, store } = this;
    const { item } = this.line;
    this.$(".bar").value = data.progress.total ? data.progress.mine / data.progress.total : 0;
    this.$(".progress").textContent = this.howFar();
    const left = store.pending.length;
    this.$(".saving").textContent = left ? words.saving.replace("{count}", left) : "";
    this.$(".problem").textContent = this.problem || "";
    if (!item) return this.rest(item);
    const draft = store.draft(item);
    for (const one of this.parent.querySelectorAll(".type"))
      one.ariaPressed = String(draft.types.includes(one.dataset.id));
    this.$(".flag").ariaPressed = String(draft.flagged);
    if (this.paused) this.rest(item);
  },

  howFar() {
    const { words } = this;
    const { mine, total, ours, pace_s: pace } = this.data.progress;
    const parts = [words.mine.replace("{mine}", mine).replace("{total}", total)];
    if (ours > mine) parts.push(words.ours.replace("{ours}", ours));
    const left = (total - mine) * pace;
    if (pace && left > 0)
      parts.push(left < 60 ? words.nearly : words.left.replace("{minutes}", Math.round(left / 60)));
    return parts.join(" · ");
  },
};
