import { Memory, TestServer } from 'synced-memory/testing';

export interface Card {
  id: number;
  title: string;
  done: boolean;
}

export interface Board {
  cards: Card[];
  owner: string;
}

/** Two memories on one server, with a hundred cards that both have. */
export async function openBoards() {
  const server = new TestServer();
  const cards = Array.from({ length: 100 }, (_, id) => ({ id, title: `card ${id}`, done: false }));
  const open = () =>
    Memory.open<Board>({ transport: server.transport(), defaults: { cards, owner: 'Ann' }, names: ['cards', 'owner'] });
  const mine = await open();
  await mine.$flush();
  return { server, mine, other: await open() };
}

/** Resolves at the next event of a memory, after everything that it has caused was shown. */
export function nextChange(memory: Memory<Board>): Promise<void> {
  return new Promise((resolve) => {
    const remove = memory.$on('change', () => {
      remove();
      setTimeout(resolve);
    });
  });
}

/** Changes a card in place. */
export function changeCard(memory: Memory<Board>, index: number, values: Partial<Card>): void {
  Object.assign(memory.cards[index] ?? {}, values);
}
