// Compiled only: a user's program against the types of the package, without skipLibCheck and without Node's types.
import { Memory, synced } from 'synced-memory';
import { Memory as EdgeMemory } from 'synced-memory/edge';
import { useMemory, useStatus } from 'synced-memory/react';
import { TestServer } from 'synced-memory/testing';
import { upstash } from 'synced-memory/transports/upstash';
import { workersTcp } from 'synced-memory/transports/workers-tcp';

interface State {
  tasks: string[];
}

const mem = await Memory.open<State>('redis://localhost:6379');
synced(mem.tasks).append('typed');
// @ts-expect-error -- not a string
mem.tasks.push(1);

const texts: readonly string[] = useMemory(mem, (m) => m.tasks);
const lengths: number[] = useMemory(mem, ({ tasks }) => tasks.map(({ length }) => length));
const whole: readonly string[] = useMemory(mem).tasks;
const pending: number = useStatus(mem).pending;
console.log(texts, lengths, whole, pending);
// @ts-expect-error -- no such attribute
useMemory(mem, (m) => m.missing);
// @ts-expect-error -- a snapshot is frozen
useMemory(mem, (m) => m.tasks.push('changed'));

await EdgeMemory.open<State>({ transport: upstash({ url: 'https://example.upstash.io', token: '' }) });
await EdgeMemory.open<State>({ transport: workersTcp({ hostname: 'localhost' }) });
await EdgeMemory.open<State>({ transport: new TestServer().transport() });
