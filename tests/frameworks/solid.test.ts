import { createComponent, createSignal, ErrorBoundary, For, type JSX } from 'solid-js';
import { insert, render } from 'solid-js/web';
import { useMemory, useStatus } from 'synced-memory/solid';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { changeCard, nextChange, openBoards } from './board.js';

let container: HTMLElement;
let boards: Awaited<ReturnType<typeof openBoards>>;
beforeEach(async () => {
  container = document.createElement('div');
  boards = await openBoards();
});

/** Renders, and returns the function that ends it; the test's end does so, too. */
function show(code: () => JSX.Element): () => void {
  const end = render(code, container);
  onTestFinished(end);
  return end;
}

/** Resolves when what the mutations of this task cause is on the page. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve));

/** An element with content that follows its signals, as the compiler of JSX makes it. */
function element(tag: string, content: () => JSX.Element): HTMLElement {
  const node = document.createElement(tag);
  insert(node, content);
  return node;
}

const text = () => container.textContent;

test('toggling one of a hundred cards renders its row and nothing else', async () => {
  const { mine, other } = boards;
  const rendered: number[] = [];
  show(() => {
    const cards = useMemory(mine, (m) => m.cards);
    const row = ({ id, title, done }: { id: number; title: string; done: boolean }) => {
      rendered.push(id);
      return element('li', () => `${title}${done ? ' ✓' : ''}`);
    };
    return createComponent(For, {
      get each() {
        return cards();
      },
      children: row,
    } as never);
  });
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
  expect(rendered).toEqual([7]);

  rendered.length = 0;
  mine.owner = 'Bob';
  await settled();
  expect(rendered).toEqual([]);
});

test('selectors read signals; the memos share one subscription, which ends with them', async () => {
  const { mine } = boards;
  const subscribe = vi.spyOn(Object.getPrototypeOf(mine), '$on');
  onTestFinished(() => subscribe.mockRestore());
  const [index, setIndex] = createSignal(1);
  let renders = 0;
  const title = () => {
    const value = useMemory(mine, (m) => [m.cards[index()]?.title]);
    return element('p', () => {
      renders++;
      return value()[0];
    });
  };
  const end = show(() => [title(), title()]);
  expect(text()).toBe('card 1card 1');
  setIndex(2);
  expect(text()).toBe('card 2card 2');
  changeCard(mine, 2, { title: 'changed' });
  await settled();
  expect(text()).toBe('changedchanged');
  mine.owner = 'Bob';
  await settled();
  expect(renders).toBe(6);
  expect(subscribe.mock.calls.map(([event]) => event)).toEqual(['change']);
  end();
  show(() => [title()]);
  expect(subscribe).toHaveBeenCalledTimes(2);
});

test('a selector that throws reaches the boundary and disturbs nothing else', async () => {
  const { mine } = boards;
  const failing = () => {
    const owner = useMemory(mine, (m) => {
      if (m.owner === 'Bob') throw new Error('no Bob');
      return m.owner;
    });
    return element('p', owner);
  };
  const owner = () =>
    element(
      'p',
      useMemory(mine, (m) => m.owner),
    );
  show(() => [
    createComponent(ErrorBoundary, {
      fallback: (error: Error) => element('p', () => `caught: ${error.message}`),
      get children() {
        return failing();
      },
    }),
    owner(),
  ]);
  expect(text()).toBe('AnnAnn');
  mine.owner = 'Bob';
  await settled();
  expect(text()).toBe('caught: no BobBob');
  mine.owner = 'Cleo';
  await settled();
  expect(text()).toBe('caught: no BobCleo');
});

test('useStatus shows what is pending, and that the server is gone and back', async () => {
  const { mine, server } = boards;
  show(() => {
    const status = useStatus(mine);
    return element('p', () => `${status().state} ${status().pending}`);
  });
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
