/* The answers at hand: those judged a moment ago, the one in front, and the next few that were fetched ahead. */

const KEPT_BEHIND = 20;

class Line {
  items = [];
  at = 0;
  history = []; // ids in the order in which they were judged, for undo
  filled = 0; // how many answers waited here when the server last filled the line
  more = true; // whether the server has more than those

  get item() {
    return this.items[this.at] || null;
  }

  find(id) {
    return this.items.find((one) => one.id === id);
  }

  /* The ids of those that wait for a verdict here, and whether it is time to ask for more: half are used. */
  ids() {
    return this.items.filter((one) => !one.judged).map((one) => one.id);
  }

  runsLow() {
    return this.more && this.ids().length <= this.filled / 2;
  }

  /* What the server has: the ids in `waiting` are the truth for all that is not on its way (`pending` ids); the
     answers in `items` are those that were not here when it was asked. */
  take({ waiting, items, recent, more }, pending) {
    if (!this.items.length && recent.length) {
      this.items = recent.map((one) => ({ ...one }));
      this.at = this.items.length;
      this.history = recent.map((one) => one.id);
    }
    const there = new Set(waiting);
    const front = this.item;
    this.items = this.items.filter((one) => one.judged || one === front || pending.has(one.id) || there.has(one.id));
    const fresh = new Map(items.map((one) => [one.id, one]));
    for (const id of waiting) {
      const known = this.find(id);
      if (!known && fresh.has(id)) this.items.push({ ...fresh.get(id) });
      else if (known?.judged && !pending.has(id)) known.judged = null; // taken back elsewhere
    }
    this.more = more;
    this.filled = waiting.length;
    this.at = front ? this.items.indexOf(front) : this.next(0);
    const spare = this.at - KEPT_BEHIND;
    if (spare > 0) {
      this.items.splice(0, spare);
      this.at -= spare;
    }
  }

  /* The first place from `start` on that waits for a verdict; one past the end if there is none. */
  next(start) {
    const found = this.items.findIndex((one, place) => place >= start && !one.judged);
    return found < 0 ? this.items.length : found;
  }

  judge(judged) {
    const { item } = this;
    item.judged = judged;
    this.history = [...this.history.filter((id) => id !== item.id), item.id];
    const later = this.next(this.at + 1);
    this.at = later < this.items.length ? later : this.next(0);
  }

  /* Goes back to what was judged last and returns it, now waiting again. */
  undo() {
    while (this.history.length) {
      const item = this.find(this.history.pop());
      if (item && item.judged) {
        this.at = this.items.indexOf(item);
        item.judged = null;
        return item;
      }
    }
    return null;
  }

  move(step) {
    const place = this.at + step;
    if (place < 0 || place >= this.items.length) return false;
    this.at = place;
    return true;
  }

  forget(id) {
    const place = this.items.findIndex((one) => one.id === id);
    if (place < 0) return;
    this.items.splice(place, 1);
    if (place < this.at) this.at -= 1;
  }
}
