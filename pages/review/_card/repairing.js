/* Corrections by a model, and what is lost sight of when somebody leaves: methods of the room, as in drawing.js. */

const Repairing = {
  /* Tells the model what is wrong with what stands in the correction; the answer waits, the person need not. */
  askModel() {
    const { item } = this.line;
    if (!item || this.store.draft(item).asked) return;
    const { wrong, correction } = this.store.draft(item);
    if (!wrong?.trim()) return this.complain(this.words.say_wrong);
    const asked = this.store.add({ kind: "repair", answer: item.id, wrong: wrong.trim(), before: correction });
    this.remark({ wrong: "", sent: wrong.trim(), asked, told: "" });
    this.draw(false);
    this.$(".repair").scrollIntoView({ block: "nearest" });
    setTimeout(() => this.flush(), 0);
  },

  /* What came back goes into the correction of its answer, unless that was judged meanwhile. */
  bring(rounds) {
    let brought = false;
    for (const [id, draft] of Object.entries(this.store.drafts)) {
      const round = rounds.find((one) => draft.asked && one.receipt === draft.asked);
      if (!round || round.state === "waiting") continue;
      const correction = round.state === "back" ? round.text : draft.correction;
      const wrong = round.state === "back" ? "" : draft.sent; // nothing came of it, so nobody types it anew
      this.store.change(id, { ...draft, correction, wrong, asked: null, told: round.state, round: round.round });
      if (this.line.item?.id === id) brought = this.correcting = true;
    }
    return brought;
  },

  /* A note or a correction that no verdict has taken along yet, or a verdict that is not saved. */
  unsaved() {
    const written = (draft) => draft && (draft.note || draft.wrong || draft.correction !== null);
    return this.store && (this.store.pending.length > 0 || this.line.items.some((one) => written(this.store.drafts[one.id])));
  },

  /* A link out of this page asks first; what was written stays with this tab all the same. */
  follow(event) {
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement && node.href);
    const stays = !link || link.target === "_blank" || event.ctrlKey || event.metaKey || event.shiftKey;
    if (stays || new URL(link.href).pathname === location.pathname || !this.unsaved()) return;
    if (window.confirm(this.words.leave)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
};
