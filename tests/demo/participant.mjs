// One of the demo's two processes: it runs the steps that its parent names and reports what it sees.
import { Memory } from 'synced-memory';
import { steps } from './steps.mjs';

const [who = '', url = '', prefix = ''] = process.argv.slice(2);
/** @type {import('./steps.mjs').DemoMemory} */
const mem = await Memory.open({ url, prefix });

const requests = {
  /** @param {number} step */
  async act(step) {
    const { action, attribute } = /** @type {typeof steps[number]} */ (steps[step]);
    if (!(attribute in mem)) await mem.$sync();
    action(mem, who);
    await mem.$flush();
  },
  /** @param {number} step */
  async see(step) {
    await mem.$sync();
    const { attribute } = /** @type {typeof steps[number]} */ (steps[step]);
    return mem[attribute];
  },
  async clean() {
    for (const name of /** @type {(keyof import('./steps.mjs').State)[]} */ (Object.keys(mem))) delete mem[name];
    await mem.$close();
    process.disconnect();
  },
};

process.on('message', async (/** @type {{ request: keyof typeof requests, step: number }} */ { request, step }) => {
  const seen = await requests[request](step);
  if (process.connected) process.send?.({ seen });
});
process.send?.({ ready: true });
