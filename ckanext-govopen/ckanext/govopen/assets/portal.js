/* Small comforts of public pages; every page works without them. */
(function () {
  "use strict";

  function copy(button) {
    var source = document.getElementById(button.dataset.copyFrom);
    if (!source || !navigator.clipboard) { return; }
    navigator.clipboard.writeText(source.textContent).then(function () {
      var before = button.textContent;
      button.textContent = button.dataset.copied;
      setTimeout(function () { button.textContent = before; }, 2000);
    });
  }

  function filterRows(field) {
    var table = document.getElementById(field.dataset.filters);
    var words = field.value.trim().toLowerCase();
    table.querySelectorAll("tbody tr").forEach(function (row) {
      row.hidden = words !== "" && row.textContent.toLowerCase().indexOf(words) < 0;
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy-from]");
    if (button) { copy(button); }
    if (event.target.closest("[data-print]")) { window.print(); }
  });
  document.addEventListener("input", function (event) {
    if (event.target.matches("[data-filters]")) { filterRows(event.target); }
  });
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-submits]")) { event.target.form.submit(); }
  });
  // What only works with a script is shown only by a script.
  document.querySelectorAll("[data-needs-script]").forEach(function (part) { part.hidden = false; });
}());
