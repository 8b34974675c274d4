/* Keys of the review desk; every page works without them, and they can be switched off. */
(function () {
  "use strict";

  var help = document.getElementById("go-keys");
  var KEPT = "govopen-keys-off";

  function areOff() {
    try { return window.localStorage.getItem(KEPT) === "1"; } catch (_error) { return false; }
  }

  function isTyping(place) {
    return place.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], dialog[open]");
  }

  // One step among the rows of the first list; from outside of it, to its first row.
  function move(step) {
    var rows = Array.prototype.slice.call(document.querySelectorAll("[data-row]"));
    if (!rows.length) { return false; }
    var here = rows.indexOf(document.activeElement.closest("tr, li") ? document.activeElement.closest("tr, li").querySelector("[data-row]") : null);
    var next = here < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, here + step));
    rows[next].focus();
    return true;
  }

  function open(key) {
    var place = document.querySelector('[data-key="' + key + '"]');
    if (!place) { return false; }
    if (place.matches("a")) { place.click(); return true; }
    place.scrollIntoView({ block: "start" });
    var field = place.querySelector("[data-first]") || place.querySelector("input:not([type=hidden]), textarea, select, button");
    (field || place).focus({ preventScroll: true });
    return true;
  }

  function act(key) {
    if (key === "?") { help.showModal(); return true; }
    if (key === "j" || key === "ArrowDown") { return (key === "j" && open("j")) || move(1); }
    if (key === "k" || key === "ArrowUp") { return (key === "k" && open("k")) || move(-1); }
    return open(key);
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || areOff() || isTyping(event.target)) { return; }
    var isArrow = event.key === "ArrowDown" || event.key === "ArrowUp";
    // Arrows scroll the page unless a row has the focus.
    if (isArrow && !document.activeElement.matches("[data-row]")) { return; }
    if ("?jkarwu".indexOf(event.key) < 0 && !isArrow) { return; }
    if (act(event.key)) { event.preventDefault(); }
  });

  if (help) {
    var box = help.querySelector("[data-keys-off]");
    box.checked = !areOff();
    box.addEventListener("change", function () {
      try { window.localStorage.setItem(KEPT, box.checked ? "0" : "1"); } catch (_error) { /* for this page alone */ }
    });
    document.querySelectorAll("[data-keys-open]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", function () { help.showModal(); });
    });
  }

  // A template is put into the field that it is for; without this the server does it.
  document.querySelectorAll("select[data-template-for]").forEach(function (list) {
    list.addEventListener("change", function () {
      var field = document.getElementById(list.dataset.templateFor);
      if (!list.value || !field) { return; }
      field.value = (field.value ? field.value + "\n" : "") + list.selectedOptions[0].textContent;
      list.value = "";
      field.focus();
    });
  });
}());
