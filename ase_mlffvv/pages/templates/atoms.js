'use strict';
// Atoms as shaded spheres in WebGL 2: each is a square that the fragment shader turns into a ball.
(() => {
const VERTEX = `#version 300 es
in vec2 corner; in vec3 place; in vec4 colour;
uniform vec3 low, scale, centre, right, up, toward; uniform vec2 zoom, pan; uniform float radius, depth, cut;
out vec2 at; out float z; out vec3 tint;
void main() {
  vec3 r = low + scale * place - centre;
  z = dot(r, toward); at = corner; tint = colour.rgb;
  gl_Position = colour.a < 0.5 || z > cut ? vec4(2, 2, 2, 1)
    : vec4((vec2(dot(r, right), dot(r, up)) + radius * corner - pan) * zoom, -z / depth, 1);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec2 at; in float z; in vec3 tint; uniform float radius, depth; out vec4 shown;
void main() {
  float q = dot(at, at);
  if (q > 1.0) discard;
  vec3 n = vec3(at, sqrt(1.0 - q));
  float light = 0.45 + 0.55 * max(dot(n, vec3(-0.36, 0.48, 0.8)), 0.0);
  float near = 0.72 + 0.28 * (0.5 + 0.5 * z / depth);
  shown = vec4(tint * light * near * smoothstep(0.0, 0.3, n.z + 0.12), 1);
  gl_FragDepth = 0.5 - 0.5 * (z + radius * n.z) / depth;
}`;
const VIEWS = {side: [-45, 14], front: [0, 7], top: [0, 90]};
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function start(root) {
  const find = name => root.querySelector(name);
  const head = JSON.parse(find('.header').textContent), canvas = find('canvas'), tip = find('.tip');
  const gl = canvas.getContext('webgl2', {antialias: true, preserveDrawingBuffer: true});
  const out = find('output'), slider = find('.frame'), select = find('.colour'), cut = find('.cut'), play = find('.play');
  if (!gl) { find('.missing').hidden = false; canvas.hidden = true; return; }
  const text = atob(find('.data').textContent), bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  find('.data').remove();
  const n = head.n, count = head.labels.length, parts = [];
  let offset = 0;
  for (const k of head.order) {
    const words = k === 0 || head.arrays[k - 1].table ? 2 : 1, size = n * count * (k === 0 ? 3 : 1);
    parts[k] = words === 2 ? new Uint16Array(bytes.buffer, offset, size) : new Uint8Array(bytes.buffer, offset, size);
    offset += words * size;
  }
  const half = head.scale.map(s => 65535 * s / 2), centre = half.map((h, k) => head.low[k] + h);
  const depth = Math.hypot(...half) + 2 * head.radius;
  const hidden = new Set();
  let frame = 0, colour = 0, turn = VIEWS.side.slice(), zoom = 1, pan = [0, 0], axes, pixels, asked = false, timer = 0;

  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  gl.useProgram(program);
  const uniform = name => gl.getUniformLocation(program, name);
  const attribute = (name, size, type, normalized, divisor) => {
    const buffer = gl.createBuffer(), at = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, normalized, 0, 0);
    gl.vertexAttribDivisor(at, divisor);
    return data => { gl.bindBuffer(gl.ARRAY_BUFFER, buffer); gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW); };
  };
  attribute('corner', 2, gl.FLOAT, false, 0)(new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]));
  const setPlaces = attribute('place', 3, gl.UNSIGNED_SHORT, false, 1);
  const setColours = attribute('colour', 4, gl.UNSIGNED_BYTE, true, 1);
  gl.enable(gl.DEPTH_TEST);
  gl.clearColor(1, 1, 1, 1);

  const value = (k, atom) => {
    const array = head.arrays[k], raw = parts[k + 1][frame * n + atom];
    if (!array.table) return array.values[raw] ? array.values[raw][1] : '–';
    return raw === 65535 ? '–' : String(Number((array.low + raw * array.step).toPrecision(4)));
  };
  function paint() {
    const out = new Uint8Array(4 * n).fill(190), array = head.arrays[colour];
    for (let atom = 0; atom < n; atom++) {
      out[4 * atom + 3] = 255;
      if (!array) continue;
      const raw = parts[colour + 1][frame * n + atom];
      let rgb = null;
      if (!array.table) {
        if (array.values[raw]) rgb = array.values[raw][0];
        if (hidden.has(raw)) out[4 * atom + 3] = 0;
      } else if (raw !== 65535) {
        const [a, b] = array.limits, t = (array.low + raw * array.step - a) / (b - a);
        rgb = array.table[Math.round(Math.min(Math.max(t, 0), 1) * (array.table.length - 1))];
      }
      if (rgb) for (let c = 0; c < 3; c++) out[4 * atom + c] = rgb[c];
    }
    setColours(out);
  }
  function legend() {
    const box = find('.legend'), array = head.arrays[colour];
    box.replaceChildren();
    if (!array) return;
    if (array.table) {
      const bar = document.createElement('span');
      bar.className = 'bar';
      bar.style.background = `linear-gradient(90deg, ${array.table.map(c => `rgb(${c})`).join()})`;
      box.append(array.limits[0].toPrecision(3), bar, array.limits[1].toPrecision(3), ' ' + array.label);
      return;
    }
    for (const [raw, [rgb, name]] of Object.entries(array.values)) {
      const button = document.createElement('button'), dotMark = document.createElement('i');
      button.type = 'button';
      dotMark.style.background = `rgb(${rgb})`;
      button.append(dotMark, name);
      button.setAttribute('aria-pressed', !hidden.has(Number(raw)));
      button.addEventListener('click', () => {
        hidden.has(Number(raw)) ? hidden.delete(Number(raw)) : hidden.add(Number(raw));
        button.setAttribute('aria-pressed', !hidden.has(Number(raw)));
        paint();
        draw();
      });
      box.append(button);
    }
  }
  function look() {
    const [a, e] = turn.map(angle => angle * Math.PI / 180);
    const right = [Math.cos(a), Math.sin(a), 0], toward = [Math.sin(a) * Math.cos(e), -Math.cos(a) * Math.cos(e), Math.sin(e)];
    const up = [toward[1] * right[2] - toward[2] * right[1], toward[2] * right[0] - toward[0] * right[2],
                toward[0] * right[1] - toward[1] * right[0]];
    axes = [right, up, toward];
    const [w, h] = [right, up].map(axis => dot(axis.map(Math.abs), half) + 1.5 * head.radius);
    pixels = zoom * Math.min(canvas.clientWidth / w, canvas.clientHeight / h) / 2;
  }
  function front() { // atoms with a larger coordination along the view are cut away
    const reach = dot(axes[2].map(Math.abs), half);
    return cut.value > 0 ? reach - cut.value / 50 * reach : 2 * depth;
  }
  function drawNow() {
    asked = false;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    gl.viewport(0, 0, canvas.width, canvas.height);
    look();
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    for (const [name, v] of Object.entries({low: head.low, scale: head.scale, centre, right: axes[0], up: axes[1], toward: axes[2]}))
      gl.uniform3fv(uniform(name), v);
    gl.uniform2f(uniform('zoom'), 2 * pixels / canvas.clientWidth, 2 * pixels / canvas.clientHeight);
    gl.uniform2f(uniform('pan'), ...pan);
    gl.uniform1f(uniform('radius'), head.radius);
    gl.uniform1f(uniform('depth'), depth);
    gl.uniform1f(uniform('cut'), front());
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, n);
    root.dataset.drawn = Number(root.dataset.drawn || 0) + 1;
  }
  function draw() { if (!asked) { asked = true; requestAnimationFrame(drawNow); } }
  function showFrame(k, tell = true) {
    frame = Math.min(Math.max(k, 0), count - 1);
    slider.value = frame;
    slider.setAttribute('aria-valuetext', head.labels[frame]);
    out.textContent = head.labels[frame];
    root.dataset.frame = frame;
    setPlaces(parts[0].subarray(3 * n * frame, 3 * n * (frame + 1)));
    paint();
    draw();
    tip.hidden = true;
    if (tell && head.times) document.dispatchEvent(new CustomEvent('mlffvv-now', {detail: head.times[frame]}));
  }
  function showColour(k) {
    colour = k;
    hidden.clear();
    root.dataset.colour = head.arrays[k] ? head.arrays[k].name : '';
    paint();
    legend();
    draw();
  }
  function atomAt(x, y) { // the nearest atom under the pointer
    const [u, v] = [(x - canvas.clientWidth / 2) / pixels + pan[0], (canvas.clientHeight / 2 - y) / pixels + pan[1]];
    const limit = front(), array = head.arrays[colour];
    let best = -1, top = -Infinity;
    for (let atom = 0; atom < n; atom++) {
      if (array && !array.table && hidden.has(parts[colour + 1][frame * n + atom])) continue;
      const p = [0, 1, 2].map(c => head.low[c] + head.scale[c] * parts[0][3 * (frame * n + atom) + c] - centre[c]);
      const q = (dot(p, axes[0]) - u) ** 2 + (dot(p, axes[1]) - v) ** 2, z = dot(p, axes[2]);
      if (q > head.radius ** 2 || z > limit) continue;
      const surface = z + Math.sqrt(head.radius ** 2 - q);
      if (surface > top) { top = surface; best = atom; }
    }
    return best;
  }
  function point(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const atom = atomAt(x, y);
    tip.hidden = atom < 0;
    root.dataset.atom = atom;
    if (atom < 0) return;
    tip.textContent = [`atom ${atom * Math.ceil(head.total / n)}`, ...head.arrays.map((a, k) => `${a.label}: ${value(k, atom)}`)].join('\n');
    tip.style.left = Math.max(0, Math.min(x + 14, canvas.clientWidth - tip.offsetWidth - 4)) + 'px';
    tip.style.top = Math.max(0, Math.min(y + 14, canvas.clientHeight - tip.offsetHeight - 4)) + 'px';
  }
  const pointers = new Map();
  canvas.addEventListener('pointerdown', event => {
    pointers.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
    tip.hidden = true;
  });
  for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, event => {
    pointers.delete(event.pointerId);
    if (name === 'pointerup' && event.pointerType === 'touch') point(event);
  });
  canvas.addEventListener('pointerleave', () => { tip.hidden = true; });
  canvas.addEventListener('pointermove', event => {
    const before = pointers.get(event.pointerId);
    if (!before) { if (event.pointerType !== 'touch') point(event); return; }
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    const other = [...pointers.values()].find(p => p.pointerId !== event.pointerId);
    if (other) {
      const far = p => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY);
      zoom = Math.min(Math.max(zoom * far(event) / Math.max(far(before), 1), 0.3), 40);
    }
    if (other || event.shiftKey || event.buttons === 2) {
      pan = [pan[0] - dx / pixels / (other ? 2 : 1), pan[1] + dy / pixels / (other ? 2 : 1)];
    } else {
      turn = [turn[0] - 0.4 * dx, Math.min(Math.max(turn[1] + 0.4 * dy, -90), 90)];
    }
    pointers.set(event.pointerId, event);
    draw();
  });
  canvas.addEventListener('contextmenu', event => event.preventDefault());
  canvas.addEventListener('wheel', event => { // the page scrolls unless the view was clicked
    if (document.activeElement !== canvas && !event.ctrlKey) return;
    event.preventDefault();
    zoom = Math.min(Math.max(zoom * Math.exp(-0.0015 * event.deltaY), 0.3), 40);
    draw();
  }, {passive: false});
  canvas.addEventListener('keydown', event => {
    const move = {ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, 10], ArrowDown: [0, -10]}[event.key];
    if (move) turn = [turn[0] + move[0], Math.min(Math.max(turn[1] + move[1], -90), 90)];
    else if (event.key === '+' || event.key === '-') zoom *= event.key === '+' ? 1.25 : 0.8;
    else return;
    event.preventDefault();
    draw();
  });
  slider.addEventListener('input', () => showFrame(Number(slider.value)));
  select.addEventListener('change', () => showColour(Number(select.value)));
  cut.addEventListener('input', draw);
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = 'Play'; play.setAttribute('aria-pressed', false); };
  play.addEventListener('click', () => {
    if (timer) return stop();
    play.textContent = 'Stop';
    play.setAttribute('aria-pressed', true);
    timer = setInterval(() => showFrame((frame + 1) % count), 800);
  });
  root.addEventListener('click', event => {
    const {view, zoom: factor} = event.target.dataset;
    if (view) { turn = VIEWS[view].slice(); zoom = 1; pan = [0, 0]; }
    if (factor) zoom *= Number(factor);
    if (view || factor) draw();
  });
  document.addEventListener('mlffvv-time', event => {
    if (!head.times) return;
    const gaps = head.times.map(t => Math.abs(t - event.detail));
    showFrame(gaps.indexOf(Math.min(...gaps)));
  });
  for (const [k, array] of head.arrays.entries()) select.add(new Option(array.label, k));
  if (head.arrays.length < 2) select.parentNode.hidden = true;
  if (count < 2) slider.parentNode.hidden = play.hidden = true;
  new ResizeObserver(draw).observe(canvas);
  showFrame(0, false);
  showColour(0);
}
for (const root of document.querySelectorAll('.atoms')) start(root);
})();
