// The commands that a page may send: those that a memory needs, on keys with the memory's prefix. A page can send
// anything, so the server must check. Access to the page itself is up to your application.
import { createHash } from 'node:crypto';
import { Memory } from 'synced-memory/edge';
import { memory } from 'synced-memory/transports/memory';

/** Returns a function that tests whether a memory with this prefix may send a command. */
export async function allowedCommands(prefix) {
  const script = await commitScript();
  const scripts = { EVAL: script, EVALSHA: createHash('sha1').update(script).digest('hex') };
  const isOwn = (key) => [prefix, `sm:{${prefix}`, `sm:${prefix}`].some((start) => key.startsWith(start));

  return ([name, first, count, ...rest]) => {
    if (['GET', 'STRLEN', 'EXISTS', 'GETRANGE'].includes(name)) return isOwn(first);
    // The secret by which memories recognise each other's messages: the first that opens makes it.
    if (name === 'SET') return first === `sm:{${prefix}}:secret` && rest[0] === 'NX';
    // A memory warns where the server may evict documents, and lets its idempotency keys expire when it is closed.
    if (name === 'INFO') return first === 'memory';
    if (name === 'PEXPIRE') return first.startsWith('sm:') && isOwn(first) && /:[\w-]{22}$/.test(first);
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
