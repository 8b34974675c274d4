/* Draws a table of dates and percentages as a step line; the table itself stays for every reader. */
(function () {
  "use strict";

  function points(table) {
    return Array.prototype.map.call(table.querySelectorAll("tbody tr"), function (row) {
      return [row.dataset.date, row.dataset.value === "" ? null : Number(row.dataset.value) * 100];
    });
  }

  function series(name, data, colour, dashed) {
    return {
      name: name, type: "line", step: "end", showSymbol: false, data: data, color: colour,
      lineStyle: { width: dashed ? 1.5 : 2.5, type: dashed ? "dashed" : "solid" }, animation: false
    };
  }

  function draw(place) {
    var table = document.getElementById(place.dataset.chartOf);
    var found = points(table);
    var last = place.dataset.until;
    if (!found.length) { return; }
    if (found[found.length - 1][0] < last) { found.push([last, found[found.length - 1][1]]); }
    // One day alone is no trend.
    if (found.length < 2) { return; }
    place.hidden = false;
    var all = [series(place.dataset.name, found, "#0b3f8c", false)];
    var target = place.dataset.target;
    if (target) {
      all.push(series("", [[found[0][0], +target], [last, +target]], "#8a5300", true));
    }
    var chart = window.echarts.init(place, null, { renderer: "canvas" });
    chart.setOption({
      aria: { enabled: true, label: { description: place.getAttribute("aria-label") } },
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 13 },
      grid: { left: 48, right: 16, top: 12, bottom: 28 },
      xAxis: { type: "time", axisLabel: { hideOverlap: true } },
      yAxis: { type: "value", min: 0, max: 100, axisLabel: { formatter: "{value} %" } },
      series: all
    });
    window.addEventListener("resize", function () { chart.resize(); });
  }

  document.querySelectorAll("[data-chart-of]").forEach(draw);
}());
