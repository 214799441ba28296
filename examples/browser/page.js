// The page: the list as it is now, whoever changes it.
import { Memory } from 'synced-memory';
import { webSocket } from './web-socket.js';

const mem = await Memory.open({
  transport: webSocket(`ws://${location.host}`),
  names: ['visits'],
  defaults: { visits: [] },
});

const button = document.querySelector('button');
button.addEventListener('click', () => {
  mem.visits.push('browser'); // shows at once; acknowledged later
});
button.disabled = false; // the memory is open

// Reads are local: to look at every frame costs next to nothing.
let shown;
function draw() {
  const now = JSON.stringify(mem.visits);
  if (now !== shown) {
    const items = mem.visits.map((visit) => Object.assign(document.createElement('li'), { textContent: visit }));
    document.querySelector('ol').replaceChildren(...items);
    shown = now;
  }
  requestAnimationFrame(draw);
}
draw();
