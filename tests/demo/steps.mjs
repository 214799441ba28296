// The steps of the demo's two processes, in turns. Each step's source is printed.

/** @typedef {{ tasks: string[], config: Record<string, string>, log: string[] }} State */
/** @typedef {import('synced-memory').Memory<State>} DemoMemory */
/** @type {{ who: string[], action: (mem: DemoMemory, who: string) => void, attribute: keyof State }[]} */
export const steps = [
  { who: ['ana'], action: (mem) => (mem.tasks = ['draft']), attribute: 'tasks' },
  { who: ['ben'], action: (mem) => mem.tasks.push('review', 'publish'), attribute: 'tasks' },
  { who: ['ana'], action: (mem) => mem.tasks.sort(), attribute: 'tasks' },
  { who: ['ben'], action: (mem) => (mem.config = { theme: 'dark' }), attribute: 'config' },
  { who: ['ana'], action: (mem) => Object.assign(mem.config, { lang: 'en' }), attribute: 'config' },
  { who: ['ana'], action: (mem) => (mem.log = []), attribute: 'log' },
  {
    who: ['ana', 'ben'],
    action: (mem, who) => {
      for (let n = 0; n < 1000; n++) mem.log.push(`${who} ${n}`);
    },
    attribute: 'log',
  },
];
