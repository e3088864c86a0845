/* What the server has not confirmed yet, and half-written remarks: kept by the browser tab until they are safe. */

const PREFIX = "countersign.rating.";

class Store {
  constructor(owner, queue) {
    this.key = `${PREFIX}${owner}.${queue}`;
    for (const key of Object.keys(sessionStorage)) // somebody else was signed in here before
      if (key.startsWith(PREFIX) && !key.startsWith(`${PREFIX}${owner}.`)) sessionStorage.removeItem(key);
    let kept = {};
    try {
      kept = JSON.parse(sessionStorage.getItem(this.key) || "{}");
    } catch {
      kept = {};
    }
    this.pending = Array.isArray(kept.pending) ? kept.pending : [];
    this.drafts = kept.drafts && typeof kept.drafts === "object" ? kept.drafts : {};
  }

  write() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ pending: this.pending, drafts: this.drafts }));
    } catch {
      /* full or forbidden: the rating is still sent, it only does not survive a reload in that moment */
    }
  }

  /* Keeps the event until it is confirmed; returns its receipt. */
  add(event) {
    const kept = { ...event, receipt: receipt() };
    this.pending.push(kept);
    this.write();
    return kept.receipt;
  }

  /* Takes away what the server has confirmed; returns whether anything was. */
  confirm(receipts) {
    const safe = new Set(receipts);
    const left = this.pending.filter((event) => !safe.has(event.receipt));
    const some = left.length < this.pending.length;
    this.pending = left;
    if (some) this.write();
    return some;
  }

  ids() {
    return new Set(this.pending.map((event) => event.answer));
  }

  draft(item) {
    return this.drafts[item.id] || item.draft || { types: [], note: "", correction: null, flagged: false };
  }

  keep(item, draft) {
    const written = draft.types.length || draft.note || draft.correction !== null || draft.flagged || draft.wrong;
    if (written || draft.asked || draft.told || item.draft) return this.change(item.id, draft);
    delete this.drafts[item.id];
    this.write();
  }

  change(id, draft) {
    this.drafts[id] = draft;
    this.write();
  }

  /* The receipts of what a model was asked for and has not given back, as far as the server knows of them. */
  asked() {
    const unsent = new Set(this.pending.map((event) => event.receipt));
    const all = Object.values(this.drafts).map((draft) => draft.asked);
    return all.filter((one) => one && !unsent.has(one));
  }
}

function receipt() {
  // randomUUID is missing where the page is not served over TLS
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function wipe() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}

if (!window.countersignWipes) {
  window.countersignWipes = true; // once for the tab, whichever page the person signs out from
  document.addEventListener("submit", (event) => {
    if (new URL(event.target.action).pathname.endsWith("/sign-out")) wipe();
  });
}
