'use strict';
// Tables: a click on a head sorts by this column, numbers as numbers, cells without a value last.
for (const table of document.querySelectorAll('.table table')) {
  const rows = [...table.tBodies[0].rows], heads = [...table.tHead.rows[0].cells];
  if (rows.length > 16) table.parentNode.classList.add('long');
  const text = cell => cell.textContent.trim();
  const number = cell => cell.dataset.value !== undefined ? parseFloat(cell.dataset.value)
    : text(cell) === '' || text(cell) === '–' ? NaN : Number(text(cell).replace('−', '-').replace(/[ \u202f]/g, ''));
  heads.forEach((head, k) => {
    const numeric = rows.every(row => !isNaN(number(row.cells[k])) || ['', '–'].includes(text(row.cells[k])));
    const prose = Math.max(0, ...rows.map(row => text(row.cells[k]).length)) > 40;
    if (!numeric) for (const row of [head.parentNode, ...rows]) {
      row.cells[k].classList.add('words');
      row.cells[k].classList.toggle('prose', prose);
    }
    head.querySelector('button').addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending';
      heads.forEach(h => h.setAttribute('aria-sort', h === head ? (up ? 'ascending' : 'descending') : 'none'));
      const key = row => numeric ? number(row.cells[k]) : text(row.cells[k]).toLowerCase();
      const missing = value => value === '' || Number.isNaN(value);
      rows.sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (missing(x) || missing(y)) return missing(x) - missing(y);
        return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
      });
      table.tBodies[0].append(...rows);
    });
  });
}
// Charts: the line of the frame that the view of atoms shows; on touch screens a drag scrolls the page.
function chartModels() {
  return window.Bokeh ? Bokeh.documents.flatMap(doc => [...doc._all_models.values()]) : [];
}
document.addEventListener('mlffvv-now', event => {
  for (const model of chartModels()) if (model.tags.includes('now')) {
    model.location = event.detail;
    model.visible = true;
  }
});
if (window.Bokeh && matchMedia('(pointer: coarse)').matches) addEventListener('load', () => setTimeout(() => {
  for (const model of chartModels()) if (model.type === 'Toolbar') model.active_drag = null;
}));
