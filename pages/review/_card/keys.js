/* Which key means what. Digits by their place on the keyboard (so AZERTY and the number pad work), letters by what is
   printed on them, by place only where the keyboard writes no Latin letters. */

function keyOf(event) {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return null;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code || "");
  if (digit && !(event.shiftKey && event.code.startsWith("Digit"))) return digit[1];
  if (event.key === "?" || event.key === "？") return "?";
  if (event.key.length > 1) return event.key;
  const letter = event.key.toUpperCase();
  if (/^[A-Z]$/.test(letter)) return letter;
  const place = /^Key([A-Z])$/.exec(event.code || "");
  return place && !/\p{Script=Latin}/u.test(event.key) ? place[1] : letter;
}

/* Whether the key was pressed where text is written, or in a dialog or list that has keys of its own. */
function isTyped(event) {
  return event.composedPath().some(
    (node) =>
      node instanceof Element &&
      (node.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]") ||
        node.matches("[role=dialog], [role=listbox], [role=combobox], [role=menu]")),
  );
}
