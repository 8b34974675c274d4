/* Comforts of the workbench; every page works without them. */
(function () {
  "use strict";

  function picks(form) {
    return Array.prototype.slice.call(form.querySelectorAll("input[data-pick]"));
  }

  function count(form) {
    var chosen = picks(form).filter(function (box) { return box.checked; }).length;
    form.querySelectorAll("[data-picked]").forEach(function (place) { place.textContent = chosen; });
  }

  document.addEventListener("change", function (event) {
    var box = event.target;
    if (box.matches("input[data-pick-all]")) {
      picks(box.form).forEach(function (one) { one.checked = box.checked; });
    }
    if (box.matches("input[data-pick-all], input[data-pick]")) { count(box.form); }
  });

  // A file dropped on the frame is the file of its field.
  document.querySelectorAll("[data-drop]").forEach(function (frame) {
    var field = frame.querySelector("input[type=file]");
    ["dragover", "dragleave", "drop"].forEach(function (name) {
      frame.addEventListener(name, function (event) {
        event.preventDefault();
        frame.classList.toggle("go-drop-over", name === "dragover");
        if (name === "drop" && event.dataTransfer.files.length) {
          field.files = event.dataTransfer.files;
          field.dispatchEvent(new Event("change", { bubbles: true }));
        }
      });
    });
  });

  // Files chosen together are shared out to the drafts that they are named after.
  function plain(text) { return text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""); }

  function draftOf(file, fields) {
    var stem = plain(file.name.replace(/\.[^.]*$/, ""));
    var found = fields.filter(function (field) {
      return plain(field.dataset.title) === stem || field.dataset.codes.split(" ").some(function (code) {
        return code && stem.indexOf(plain(code)) >= 0;
      });
    });
    return found.length === 1 ? found[0] : null;
  }

  document.querySelectorAll("form[data-share-out]").forEach(function (form) {
    var frame = form.querySelector("[data-drop]"), many = frame.querySelector("input[type=file]");
    var fields = Array.prototype.slice.call(form.querySelectorAll("input[data-title]"));
    var words = form.querySelector("[data-left-over]");
    frame.hidden = false;
    many.addEventListener("change", function () {
      var left = Array.prototype.filter.call(many.files, function (file) {
        var field = draftOf(file, fields), one = new DataTransfer();
        if (!field) { return true; }
        one.items.add(file);
        field.files = one.files;
        return false;
      });
      words.textContent = left.length ? words.dataset.leftOver + ": " + left.map(function (file) { return file.name; }).join(", ") : "";
    });
  });

  // Work behind the page: the part is asked for again until it says that it is done.
  function poll(part) {
    window.setTimeout(function () {
      fetch(part.dataset.poll, { headers: { "X-Requested-With": "XMLHttpRequest" } }).then(function (answer) {
        return answer.json();
      }).then(function (state) {
        if (state.done) { window.location.reload(); return; }
        part.querySelector("[data-stage]").textContent = state.stage;
        part.querySelector("[data-seconds]").textContent = state.seconds;
        poll(part);
      }).catch(function () { poll(part); });
    }, 2000);
  }
  document.querySelectorAll("[data-poll]").forEach(poll);

  var errors = document.getElementById("go-errors");
  if (errors) { errors.focus(); }
  document.querySelectorAll("form").forEach(count);
}());
