import { type Component, flushSync, mount, unmount } from 'svelte';
import { useMemory, useStatus } from 'synced-memory/svelte';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { changeCard, nextChange, openBoards } from './board.js';
import Cards from './svelte/cards.svelte';
import Failing from './svelte/failing.svelte';
import Status from './svelte/status.svelte';
import Titles from './svelte/titles.svelte';

let container: HTMLElement;
let boards: Awaited<ReturnType<typeof openBoards>>;
beforeEach(async () => {
  container = document.createElement('div');
  boards = await openBoards();
});

/** Renders a component with these properties. Returns the function that ends it; the test's end does so, too. */
function show(component: Component<never>, props: object): () => void {
  const mounted = mount(component, { target: container, props: props as never });
  let isMounted = true;
  const end = () => {
    if (isMounted) unmount(mounted);
    isMounted = false;
  };
  onTestFinished(end);
  flushSync();
  return end;
}

/** Resolves when what the mutations of this task cause is on the page. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  flushSync();
}

const text = () => container.textContent?.trim();

test('toggling one of a hundred cards renders its row and nothing else', async () => {
  const { mine, other } = boards;
  const rendered: number[] = [];
  const row = ({ id, title, done }: { id: number; title: string; done: boolean }) => {
    rendered.push(id);
    return `${title}${done ? ' ✓' : ''}`;
  };
  show(Cards, { mine, row });
  expect(rendered).toHaveLength(100);

  rendered.length = 0;
  changeCard(mine, 42, { done: true });
  await settled();
  expect(rendered).toEqual([42]);
  expect(container.querySelectorAll('li')[42]?.textContent).toBe('card 42 ✓');

  rendered.length = 0;
  const arrived = nextChange(mine);
  changeCard(other, 7, { done: true });
  await arrived;
  await settled();
  expect(rendered).toEqual([7]);

  rendered.length = 0;
  mine.owner = 'Bob';
  await settled();
  expect(rendered).toEqual([]);
});

test('selectors read $state; the components share one subscription, which ends with them', async () => {
  const { mine } = boards;
  const subscribe = vi.spyOn(Object.getPrototypeOf(mine), '$on');
  onTestFinished(() => subscribe.mockRestore());
  let renders = 0;
  const count = (value: unknown) => {
    renders++;
    return value;
  };
  const end = show(Titles, { mine, count });
  expect(text()).toBe('card 1 card 1');
  container.querySelector('button')?.click();
  flushSync();
  expect(text()).toBe('card 2 card 2');
  changeCard(mine, 2, { title: 'changed' });
  await settled();
  expect(text()).toBe('changed changed');
  mine.owner = 'Bob';
  await settled();
  expect(renders).toBe(3);
  expect(subscribe.mock.calls.map(([event]) => event)).toEqual(['change']);
  end();
  await settled();
  show(Titles, { mine, count });
  expect(subscribe).toHaveBeenCalledTimes(2);
});

test('a selector that throws reaches the boundary and disturbs nothing else', async () => {
  const { mine } = boards;
  const pick = (m: { owner: string }) => {
    if (m.owner === 'Bob') throw new Error('no Bob');
    return m.owner;
  };
  show(Failing, { mine, pick });
  const shown = () => [...container.querySelectorAll('p')].map((one) => one.textContent);
  expect(shown()).toEqual(['Ann', 'Ann']);
  mine.owner = 'Bob';
  await settled();
  expect(shown()).toEqual(['caught: no Bob', 'Bob']);
  mine.owner = 'Cleo';
  await settled();
  expect(shown()[1]).toBe('Cleo');
});

test('outside of components the value is read without a subscription', () => {
  const { mine } = boards;
  const owner = useMemory(mine, (m) => m.owner);
  expect(owner.current).toBe('Ann');
  mine.owner = 'Bob';
  expect(owner.current).toBe('Bob');
  expect(useStatus(mine).current.state).toBe('connected');
});

test('useStatus shows what is pending, and that the server is gone and back', async () => {
  const { mine, server } = boards;
  show(Status, { mine });
  expect(text()).toBe('connected 0');
  const lost = new Promise((resolve) => mine.$on('disconnect', resolve));
  server.disconnect();
  mine.owner = 'Bob';
  await lost;
  await settled();
  expect(text()).toBe('disconnected 1');
  server.reconnect();
  await mine.$flush();
  await settled();
  expect(text()).toBe('connected 0');
});
