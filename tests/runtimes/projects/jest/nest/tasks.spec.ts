import { Memory as NativeMemory, SyncedList } from 'synced-memory';
import { Memory, TestServer } from 'synced-memory/testing';

interface State {
  tasks: string[];
}

test('a service that is compiled to CommonJS uses memories of both builds', async () => {
  const server = new TestServer();
  const mem = await Memory.open<State>({ transport: server.transport(), defaults: { tasks: [] } });
  mem.tasks.push('draft');
  await mem.$flush();
  const native = await NativeMemory.open<State>({ url: 'memory://nest', defaults: { tasks: [] } });
  native.tasks = mem.tasks;
  await native.$flush();
  expect(native.tasks).toEqual(['draft']);
  expect(native.tasks).toBeInstanceOf(SyncedList);
});
