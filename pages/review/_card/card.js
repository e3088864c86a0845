/* One answer at a time. A verdict paints the next answer at once and is sent behind; until the server has confirmed
   it, it shows as being saved, is sent again, and survives a reload. */

const SEND_AGAIN_MS = 3000;
const LONGEST_WAIT_MS = 12000; // a server that is behind is not helped by being asked more often
const rooms = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let room = rooms.get(parentElement);
  if (!room) rooms.set(parentElement, (room = new Room(parentElement)));
  room.send = (message) => setTriggerValue("said", message);
  room.take(data);
  return () => {
    room.leave();
    rooms.delete(parentElement);
  };
}

class Room {
  constructor(parent) {
    this.parent = parent;
    this.line = new Line();
    this.shownAt = 0;
    this.sent = 0; // number of the last message
    this.listen();
    this.paused = this.withReference = this.withDifferences = this.correcting = false;
    this.onKey = (event) => this.key(event);
    this.onOnline = () => {
      this.listen();
      this.flush();
    };
    document.addEventListener("keydown", this.onKey);
    window.addEventListener("online", this.onOnline);
    this.onLeave = (event) => this.unsaved() && event.preventDefault();
    this.onLink = (event) => this.follow(event);
    window.addEventListener("beforeunload", this.onLeave);
    document.addEventListener("click", this.onLink, true);
    this.timer = setInterval(() => this.flush(true), SEND_AGAIN_MS);
    this.$(".note").addEventListener("input", () => this.remark({ note: this.$(".note").value }));
    this.$(".correction").addEventListener("input", () => this.correct(this.$(".correction").value));
    this.$(".said-wrong").addEventListener("input", () => this.remark({ wrong: this.$(".said-wrong").value }));
    this.$(".close").addEventListener("click", () => this.$(".sheet").close());
    for (const field of this.fields())
      field.addEventListener("keydown", (event) => this.leaveField(event, field));
  }

  $(selector) {
    return this.parent.querySelector(selector);
  }

  fields() {
    return [this.$(".note"), this.$(".correction"), this.$(".said-wrong")];
  }

  leave() {
    window.removeEventListener("beforeunload", this.onLeave);
    document.removeEventListener("click", this.onLink, true);
    document.removeEventListener("keydown", this.onKey);
    window.removeEventListener("online", this.onOnline);
    clearInterval(this.timer);
  }

  /* New data from the server: what waits, what is confirmed, what was refused. */
  take(data) {
    this.data = data;
    this.words = data.words;
    if (!this.store || this.store.key !== `${PREFIX}${data.owner}.${data.queue}`) {
      this.store = new Store(data.owner, data.queue);
      this.line = new Line();
      this.replay = true; // what was pending before a reload counts as judged
    }
    if (this.store.confirm(data.confirmed) || data.answered === this.sent) this.listen();
    for (const event of this.store.pending) // the server has not counted these yet
      data.progress.mine += event.kind === "undo" ? -1 : event.kind !== "rate" || event.again ? 0 : 1;
    const before = this.line.item;
    let brought = this.bring(data.rewrites);
    for (const refused of data.refused) brought = this.takeBack(refused, data.waiting || []) || brought;
    if (data.waiting) {
      this.line.take(data, this.store.ids());
      if (this.replay) this.replayPending();
      this.replay = false;
    }
    this.dress();
    const stays = before && before === this.line.item;
    if (stays && !brought) this.tell();
    else this.draw(!stays);
    if (stays && brought) this.$(".correct").scrollIntoView({ block: "nearest" });
    setTimeout(() => this.flush(), 0);
  }

  replayPending() {
    for (const event of this.store.pending) {
      const item = this.line.find(event.answer);
      if (!item || event.kind === "repair") continue;
      item.judged = event.kind === "rate" ? { verdict: event.verdict, points: event.points } : null;
      if (item.judged) this.line.history.push(item.id);
    }
    this.line.at = this.line.next(0);
  }

  /* What was refused is asked anew; what does not wait any more (it became one's own words, or went to others) goes. */
  takeBack(refused, waiting) {
    this.problem = refused.message;
    if (refused.kind === "repair") return this.bring([{ receipt: refused.receipt, state: "refused" }]);
    const item = this.line.find(refused.answer);
    if (item) item.judged = null;
    if (!waiting.includes(refused.answer)) this.line.forget(refused.answer);
    else if (item) this.line.at = this.line.items.indexOf(item);
    return false;
  }

  /* One message at a time: a slow server then gets what was said meanwhile in the next one, not a queue of them.
     Whether a model is done is asked for every few seconds (`looks`). */
  flush(looks = false) {
    if (!this.store) return;
    const fill = this.line.runsLow();
    const asked = this.store.asked();
    if (!this.store.pending.length && !fill && !(looks && asked.length)) return;
    if (performance.now() - this.sentAt < this.patience) return;
    this.patience = Math.min(LONGEST_WAIT_MS, this.sentAt === -Infinity ? SEND_AGAIN_MS : 2 * this.patience);
    this.sentAt = performance.now();
    this.sent += 1;
    this.send({ number: this.sent, events: this.store.pending, fill, have: this.line.ids(), asked });
  }

  /* The server has answered, so the next message may go at once. */
  listen() {
    this.sentAt = -Infinity;
    this.patience = SEND_AGAIN_MS;
  }

  /* What comes right after an answer appeared was meant for the one before; whoever pressed is told. */
  tooSoon() {
    const soon = performance.now() - this.shownAt < this.data.shortest_look_ms;
    if (soon) this.complain(this.words.too_soon);
    return soon;
  }

  /* The words and buttons that do not depend on the answer; made anew only when they change. */
  dress() {
    const worn = JSON.stringify([this.words, this.data.types, this.data.scale, this.data.guidelines, this.data.question]);
    if (worn === this.worn) return;
    this.worn = worn;
    const { words } = this;
    this.parent.querySelectorAll("[data-word]").forEach((one) => (one.textContent = words[one.dataset.word]));
    this.parent.querySelectorAll("[data-name]").forEach((one) => (one.ariaLabel = words[one.dataset.name]));
    this.$(".room").ariaLabel = words.rate;
    this.$(".room").lang = words.language;
    this.$(".question").textContent = this.data.question;
    this.$(".note").placeholder = this.$(".note").ariaLabel = `${words.note} · N`;
    this.$(".correction").ariaLabel = words.corrected;
    this.$(".said-wrong").placeholder = this.$(".said-wrong").ariaLabel = `${words.tell_model} · M`;
    this.$(".rewrite").replaceChildren(this.button(words.rewrite, "", () => this.askModel(), "plain"));
    this.$(".guidelines ul").replaceChildren(...this.data.guidelines.map((line) => element("li", "", line)));
    this.$(".guidelines").hidden = !this.data.guidelines.length;
    this.$(".types").ariaLabel = words.wrong;
    this.$(".types").replaceChildren(
      element("span", "hint", words.wrong),
      ...this.data.types.map((type) => this.button(type.label, type.key, () => this.turn(type.id), "type", type.help, type.id)),
    );
    this.$(".with-reference").replaceChildren(
      this.button(words.take, "T", () => this.judge("fail", true), "quiet"),
      this.button(words.differences, "D", () => this.differ(), "quiet"),
    );
    this.$(".acts").replaceChildren(...this.acts());
    const types = this.data.types.filter((type) => type.key);
    const letters = types.map((type) => type.key).join(", ");
    const sheet = [...words.sheet, ...(letters ? [[letters, types.map((type) => type.label).join(" · ")]] : [])];
    this.$(".sheet dl").replaceChildren(
      ...sheet.flatMap(([keys, meaning]) => [element("dt", "", keys), element("dd", "", meaning)]),
    );
    this.draw();
  }

  acts() {
    const { words } = this;
    const verdicts =
      this.data.scale === "five"
        ? [1, 2, 3, 4, 5].map((n) => this.button(words.points[n - 1], `${n}`, () => this.points(n), n > 3 ? "pass" : "fail"))
        : [
            this.button(words.pass, "P", () => this.judge("pass"), "pass"),
            this.button(words.fail, "F", () => this.judge("fail"), "fail"),
          ];
    return [
      ...verdicts,
      this.button(words.skip, "S", () => this.judge("skip"), "plain"),
      this.button(words.undo, "U", () => this.undo(), "quiet"),
      this.button(words.correct, "E", () => this.edit(), "quiet"),
      this.button(words.reference, "V", () => this.turnOver(), "quiet needs-reference"),
      this.button(words.flag, "G", () => this.flag(), "quiet flag"),
      element("span", "gap"),
      this.button("", "←", () => this.move(-1), "quiet", words.previous),
      this.button("", "→", () => this.move(1), "quiet", words.next),
      this.button(words.pause, "B", () => this.pause(), "quiet"),
      this.button("", "?", () => this.$(".sheet").showModal(), "quiet", words.keys),
    ];
  }

  button(label, key, act, className, help, id) {
    const made = element("button", className);
    if (label) made.append(element("span", "", label));
    else made.ariaLabel = help;
    if (key) made.append(element("kbd", label ? "" : "only", key));
    made.type = "button";
    made.title = help || "";
    if (key) made.setAttribute("aria-keyshortcuts", key.replace("←", "ArrowLeft").replace("→", "ArrowRight"));
    if (id) made.dataset.id = id;
    made.addEventListener("click", () => {
      act();
      made.blur(); // so that the space bar scrolls and Enter does not judge the next answer
    });
    return made;
  }

  key(event) {
    if (!this.data || event.defaultPrevented || isTyped(event) || this.$(".sheet").open) return;
    const key = keyOf(event);
    if (!key) return;
    const act = this.paused ? () => this.pause() : this.meaning(key);
    if (!act) return;
    event.preventDefault();
    if (!event.repeat) act(); // a held key judges once
  }

  meaning(key) {
    const type = this.data.types.find((one) => one.key === key);
    if (type) return () => this.turn(type.id);
    const five = this.data.scale === "five";
    if (five && key >= "1" && key <= "5" && key.length === 1) return () => this.points(Number(key));
    const acts = {
      S: () => this.judge("skip"),
      U: () => this.undo(),
      E: () => this.edit(),
      N: () => this.$(".note").focus(),
      M: () => (this.data.repair ? this.edit(".said-wrong") : this.complain(this.words.no_model)),
      V: () => this.turnOver(),
      T: () => this.shown(this.line.item) && this.judge("fail", true),
      D: () => this.differ(),
      G: () => this.flag(),
      B: () => this.pause(),
      ArrowLeft: () => this.move(-1),
      ArrowRight: () => this.move(1),
      "?": () => this.$(".sheet").showModal(),
    };
    if (!five) Object.assign(acts, { P: () => this.judge("pass"), F: () => this.judge("fail") });
    if (!five) Object.assign(acts, { 1: acts.P, 2: acts.F });
    return acts[key];
  }

  leaveField(event, field) {
    if (event.isComposing || event.keyCode === 229) return; // Enter chooses the characters, not the end
    const written = field === this.$(".correction"); // the one field in which Enter begins a line
    const ends = event.key === "Escape" || (event.key === "Enter" && (!written || event.ctrlKey));
    if (!ends) return;
    event.preventDefault();
    event.stopPropagation();
    field.blur();
    if (event.key === "Enter" && field === this.$(".said-wrong")) this.askModel();
  }

  points(number) {
    this.judge(number >= 4 ? "pass" : "fail", false, number);
  }

  judge(verdict, takesReference = false, points = null) {
    const { item } = this.line;
    if (!item || this.paused || this.tooSoon()) return;
    const draft = this.store.draft(item);
    const correction = takesReference ? item.reference : draft.correction;
    if (verdict === "pass" && correction !== null) return this.complain(this.words.corrected_passes);
    if (verdict === "fail" && correction !== null && !correction.trim()) return this.complain(this.words.empty);
    const corrected = verdict === "fail" && correction !== null;
    const said = {
      kind: "rate",
      answer: item.id,
      verdict,
      points: points === null && takesReference && this.data.scale === "five" ? 1 : points,
      types: verdict === "pass" ? [] : draft.types,
      note: draft.note,
      correction: corrected ? correction : null,
      flagged: draft.flagged,
      again: Boolean(item.judged),
    };
    if (!item.judged) this.data.progress.mine += 1;
    item.draft = { ...draft, wrong: "", asked: null, told: "" };
    delete this.store.drafts[item.id];
    this.line.judge({ verdict, points: said.points });
    this.say(said);
  }

  undo() {
    if (this.paused || this.tooSoon()) return;
    const item = this.line.undo();
    if (!item) return;
    this.data.progress.mine -= 1;
    this.say({ kind: "undo", answer: item.id });
  }

  say(event) {
    this.problem = "";
    this.store.add(event);
    this.draw();
    setTimeout(() => this.flush(), 0); // after the next answer is on its way to the screen
  }

  complain(message) {
    this.problem = message;
    this.tell();
  }

  remark(change) {
    const { item } = this.line;
    if (!item) return;
    this.store.keep(item, { ...this.store.draft(item), ...change });
    this.problem = "";
    this.tell();
  }

  turn(id) {
    const { item } = this.line;
    if (!item) return;
    const { types } = this.store.draft(item);
    this.remark({ types: types.includes(id) ? types.filter((one) => one !== id) : [...types, id] });
  }

  flag() {
    if (this.line.item) this.remark({ flagged: !this.store.draft(this.line.item).flagged });
  }

  correct(text) {
    const unchanged = text.trim() === this.line.item?.text.trim();
    this.remark({ correction: unchanged ? null : text });
  }

  edit(field = ".correction") {
    if (!this.line.item || this.paused) return;
    this.correcting = true;
    this.draw(false);
    this.$(field).focus();
    this.$(".correct").scrollIntoView({ block: "nearest" });
  }

  shown(item) {
    return Boolean(item?.reference) && (this.data.reference === "shown" || this.withReference);
  }

  turnOver() {
    if (this.data.reference !== "on_demand") return;
    this.withReference = !this.withReference;
    if (!this.withReference) this.withDifferences = false;
    this.draw(false);
  }

  differ() {
    if (!this.line.item?.reference || this.data.reference === "hidden") return;
    this.withDifferences = !this.withDifferences;
    if (this.withDifferences) this.withReference = true;
    this.draw(false);
  }

  move(step) {
    if (!this.paused && this.line.move(step)) this.draw();
  }

  pause() {
    this.paused = !this.paused;
    this.draw();
  }
}

Object.assign(Room.prototype, Drawing, Repairing);
