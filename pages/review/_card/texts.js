/* Other people's text on the page: by textContent only, so that nothing in it is ever read as markup. */

const MOST_COMPARED = 4_000_000; // cells of the comparison table: about 2,000 words on each side

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function languageOf(text) {
  return /\p{Script=Han}/u.test(text) ? "zh-CN" : "en";
}

function write(place, text) {
  place.textContent = text;
  place.lang = languageOf(text);
}

/* The text with all that the other one lacks marked. Returns false when the texts are too long to compare. */
function mark(place, text, other) {
  const [mine, theirs] = [words(text), words(other)];
  if (mine.length * theirs.length > MOST_COMPARED) return false;
  const common = shared(mine, theirs);
  place.replaceChildren();
  place.lang = languageOf(text);
  let start = 0;
  while (start < mine.length) {
    let end = start;
    while (end < mine.length && common[end] === common[start]) end += 1;
    const part = mine.slice(start, end).join("");
    place.append(common[start] || !part.trim() ? document.createTextNode(part) : element("mark", "", part));
    start = end;
  }
  return true;
}

function words(text) {
  return text.match(/\p{Script=Han}|[\p{L}\p{N}_]+|\s+|[^\s]/gu) || [];
}

/* For each of `mine`, whether it belongs to the longest common subsequence with `theirs`. */
function shared(mine, theirs) {
  const width = theirs.length + 1;
  const longest = new Uint16Array((mine.length + 1) * width);
  for (let i = mine.length - 1; i >= 0; i -= 1)
    for (let j = theirs.length - 1; j >= 0; j -= 1)
      longest[i * width + j] =
        mine[i] === theirs[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
  const common = new Array(mine.length).fill(false);
  for (let i = 0, j = 0; i < mine.length && j < theirs.length; )
    if (mine[i] === theirs[j]) {
      common[i] = true;
      i += 1;
      j += 1;
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i += 1;
    else j += 1;
  return common;
}

/* The fields of a JSON answer as a table; what differs from the reference is marked once that is shown. */
function table(rows, withReference, headings) {
  const made = element("table");
  const head = made.createTHead().insertRow();
  for (const heading of withReference ? headings : headings.slice(0, 2)) head.append(element("th", "", heading));
  for (const row of rows) {
    const line = made.createTBody().insertRow();
    const name = withReference && row.same !== null ? `${row.same ? "✓" : "✗"} ${row.name}` : row.name;
    line.append(element("th", "", name));
    for (const value of withReference ? [row.answer, row.reference] : [row.answer]) {
      const cell = line.insertCell();
      write(cell, value ?? "–");
    }
    if (withReference && row.same === false) line.className = "differs";
  }
  return made;
}
