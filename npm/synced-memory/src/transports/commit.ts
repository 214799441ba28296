import { type Bytes, type InProcessServer, range } from './server.js';

/** How the text of a list begins. */
const LIST_HEAD = '{"value":[';

/** What crates/core/src/resp/scripts/commit.lua does, to the letter: its arguments and replies are told there. */
export function commit(server: InProcessServer, keys: readonly Bytes[], args: readonly Bytes[]): Bytes[] {
  const [key = '', sequenceKey = '', appendsKey = ''] = keys;
  const [sequence = '', after, seconds = '', stored, at = '', tail = '', channel = '', ...told] = args;
  const [base = '', revision = '', mutations = '', plan, ...rest] = told;
  const last = server.read(sequenceKey);
  if (last !== undefined && BigInt(last) >= BigInt(sequence)) return ['duplicate'];
  const knows = last === undefined ? '0' : '1';
  if (after !== '' && last !== after) return ['stale', knows];

  const text = server.read(key);
  const fits = isStored(text, [stored, at, tail]);
  const end = plan === 'append' ? endOfList(text, fits, Number(at), tail, revision, rest[1]) : undefined;
  if (!fits && end === undefined) {
    if (after !== '') return ['stale', knows];
    return text === undefined ? ['stale', knows, 'absent'] : ['stale', knows, 'text', text];
  }

  if (end !== undefined) {
    const comma = end.bracket === LIST_HEAD.length ? '' : ',';
    server.splice(key, end.bracket, `${comma}${rest[0]}],"last_modified":${end.revision}}`);
    const [first, lastAppended] = (server.read(appendsKey) ?? '').split('-');
    const from = lastAppended === end.base ? first : end.base;
    server.write(appendsKey, `${from}-${end.revision}`, Number(seconds));
  } else {
    change(server, key, [plan ?? '', ...rest]);
  }
  renew(server, key, args);
  server.write(sequenceKey, sequence, Number(seconds));
  const made = end ?? { base, revision };
  if (channel !== '') server.publish(channel, news(server, key, sequenceKey, { ...made, mutations }));
  return !fits && end !== undefined ? ['appended', end.revision] : ['applied'];
}

/** The same for group.lua. */
export function commitGroup(server: InProcessServer, keys: readonly Bytes[], args: readonly Bytes[]): Bytes[] {
  const [count, checks] = [Number(args[0]), Number(args[1])];
  const parts: { key: Bytes; sequenceKey: Bytes; head: readonly Bytes[]; plan: readonly Bytes[] }[] = [];
  let at = 4;
  for (let n = 0; n < count; n++) {
    const head = args.slice(at, at + 8);
    const plan = args.slice(at + 8, at + 8 + Number(head[7]));
    parts.push({ key: keys[2 * n] ?? '', sequenceKey: keys[2 * n + 1] ?? '', head, plan });
    at += 8 + plan.length;
  }
  const last = ({ sequenceKey }: { sequenceKey: Bytes }) => server.read(sequenceKey);
  if (parts.some((part) => BigInt(last(part) ?? -1) >= BigInt(part.head[0] ?? 0))) return ['duplicate'];
  const stale: Bytes[] = ['stale'];
  const compare = (key: Bytes, guard: readonly Bytes[], knows: Bytes): boolean => {
    const text = server.read(key);
    const fits = isStored(text, guard);
    stale.push(knows, fits ? 'same' : text === undefined ? 'absent' : 'text', fits ? '' : (text ?? ''));
    return fits;
  };
  const fit = [
    ...parts.map((part) => compare(part.key, part.head.slice(1, 4), last(part) === undefined ? '0' : '1')),
    ...Array.from({ length: checks }, (_, n) => {
      return compare(keys[2 * count + n] ?? '', args.slice(at + 3 * n, at + 3 * n + 3), '0');
    }),
  ];
  if (fit.includes(false)) return stale;
  const told: Bytes[] = [];
  for (const { key, sequenceKey, head, plan } of parts) {
    change(server, key, plan);
    renew(server, key, plan);
    server.write(sequenceKey, head[0] ?? '', Number(args[2]));
    const [base = '', revision = '', mutations = ''] = head.slice(4);
    told.push(news(server, key, sequenceKey, { base, revision, mutations }));
  }
  const lengths = told.map(({ length }) => length).join(',');
  if (args[3] !== '' && count > 0) server.publish(args[3] ?? '', `group ${lengths} ${told.join('')}`);
  return ['applied'];
}

/** What those who listen are told of one document. */
function news(
  server: InProcessServer,
  key: Bytes,
  sequenceKey: Bytes,
  { base, revision, mutations }: Record<'base' | 'revision' | 'mutations', Bytes>,
): Bytes {
  const writer = sequenceKey.slice(sequenceKey.lastIndexOf(':') + 1);
  return `${writer} ${base} ${revision} ${server.read(key)?.length ?? 0} ${key.length} ${key}${mutations}`;
}

/** Is it what the guard says: 'absent', or a length, the offset of a tail and the tail? */
function isStored(text: Bytes | undefined, [stored, at, tail = '']: readonly (Bytes | undefined)[]): boolean {
  if (text === undefined) return stored === 'absent';
  return `${text.length}` === stored && range(text, Number(at), Number(at) + tail.length - 1) === tail;
}

function change(server: InProcessServer, key: Bytes, [plan, ...rest]: readonly Bytes[]): void {
  if (plan === 'set') server.replace(key, rest[0] ?? '');
  else if (plan === 'delete') server.delete(key);
  else edit(server, key, server.read(key) ?? '', rest.at(-2) === 'ttl' ? rest.slice(0, -2) : rest);
}

function renew(server: InProcessServer, key: Bytes, args: readonly Bytes[]): void {
  if (args.at(-2) === 'ttl') server.expire(key, Number(args.at(-1)));
}

/** Where the list's bracket is, the revision there is, and the one to come; undefined where nothing can be appended. */
function endOfList(
  text: Bytes | undefined,
  fits: boolean,
  at: number,
  tail: Bytes,
  revision: string,
  next = '0',
): { bracket: number; base: string; revision: string } | undefined {
  if (fits) return { bracket: at, base: /\d+/.exec(tail)?.[0] ?? '', revision };
  if (!text?.startsWith(LIST_HEAD)) return undefined;
  const [, base = ''] = /\],"last_modified":(\d+)} *$/.exec(text) ?? [];
  if (base === '' || base.length >= 20) return undefined;
  const above = BigInt(base) + 1n;
  const bracket = text.lastIndexOf('],"last_modified":');
  return { bracket, base, revision: `${above > BigInt(next) ? above : next}` };
}

/** Every range is of the old text, so all are read before anything is written. */
function edit(server: InProcessServer, key: Bytes, text: Bytes, pieces: readonly Bytes[]): void {
  const writes: { at: number; text: Bytes }[] = [];
  const queue = [...pieces];
  const take = (): Bytes => queue.shift() ?? '';
  while (queue.length > 0) {
    const kind = take();
    const write = writes.at(-1);
    if (kind === 'write') writes.push({ at: Number(take()), text: '' });
    else if (kind === 'ttl' || write === undefined) break;
    else if (kind === 'range') write.text += range(text, Number(take()), Number(take()));
    else if (kind === 'spaces') write.text += ' '.repeat(Number(take()));
    else write.text += take();
  }
  for (const write of writes) server.splice(key, write.at, write.text);
}
