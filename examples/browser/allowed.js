// Which commands a page may send. Whoever can open it can send anything, so: nothing but what a memory needs, on keys
// with the memory's prefix. (Who may open the page is yours to decide.)
import { createHash } from 'node:crypto';
import { Memory } from 'synced-memory/edge';
import { memory } from 'synced-memory/transports/memory';

/** Gives a function that says whether a command is one of a memory with this prefix. */
export async function allowedCommands(prefix) {
  const script = await commitScript();
  const scripts = { EVAL: script, EVALSHA: createHash('sha1').update(script).digest('hex') };
  const isOwn = (key) => key.startsWith(prefix) || key.startsWith(`sm:{${prefix}`);

  return ([name, first, count, ...rest]) => {
    if (['GET', 'STRLEN', 'GETRANGE'].includes(name)) return isOwn(first);
    if (name in scripts) return first === scripts[name] && rest.slice(0, Number(count)).every(isOwn);
    return name === 'SCAN' && count === 'MATCH' && rest[0].startsWith(prefix);
  };
}

/** The one script that memories commit with, as a memory of this process sends it to no server. */
async function commitScript() {
  const inProcess = memory();
  let script;
  const execute = (commands, signal) => {
    for (const [name, text] of commands) if (name === 'EVAL') script = text;
    return inProcess.execute(commands, signal);
  };
  const mem = await Memory.open({ transport: { execute } });
  mem.anything = true;
  await mem.$close();
  return script;
}
