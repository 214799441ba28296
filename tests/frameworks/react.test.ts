// With the React that vitest.config.ts selects: the newest one, and 18.
import { act, Component, createElement as h, memo, type ReactNode, StrictMode, Suspense, version } from 'react';
import { createRoot, hydrateRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { setServerSnapshot, useMemory, useOpened, useStatus } from 'synced-memory/react';
import { Memory, TestServer } from 'synced-memory/testing';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Board, changeCard, nextChange, openBoards } from './board.js';

let container: HTMLElement;
let page: Root;
let boards: Awaited<ReturnType<typeof openBoards>>;

beforeEach(async () => {
  container = document.createElement('div');
  page = createRoot(container);
  boards = await openBoards();
});
afterEach(() => act(async () => page.unmount()));
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** Renders, and resolves when everything is on the page and its effects have run. */
const show = (node: ReactNode) => act(async () => page.render(node));

/** Resolves when what the mutations of this task cause is on the page. */
const settled = () => act(() => new Promise<void>((resolve) => setTimeout(resolve)));

const text = () => container.textContent;

/** Shows the error of what is inside it. */
class Boundary extends Component<{ children?: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};
  static getDerivedStateFromError = (error: Error) => ({ error });
  override render() {
    return this.state.error === undefined ? this.props.children : `caught: ${this.state.error.message}`;
  }
}

/** React logs the errors that a boundary catches. */
function hideLoggedErrors(): void {
  const spy = vi.spyOn(console, 'error').mockImplementation(() => {});
  const hide = (event: Event) => event.preventDefault();
  window.addEventListener('error', hide);
  onTestFinished(() => {
    spy.mockRestore();
    window.removeEventListener('error', hide);
  });
}

test('this is the React of the project', () => {
  expect(version.split('.')[0]).toBe(process.env.REACT_MAJOR);
});

describe('useMemory', () => {
  test('toggling one of a hundred cards renders its row and nothing else', async () => {
    const { mine, other } = boards;
    const rendered: (number | string)[] = [];
    const Row = memo(({ index }: { index: number }) => {
      const card = useMemory(mine, (m) => m.cards[index]);
      rendered.push(index);
      return h('li', null, `${card?.title}${card?.done ? ' ✓' : ''}`);
    });
    const List = () => {
      const ids = useMemory(mine, (m) => m.cards.map(({ id }) => id));
      rendered.push('list');
      return h(
        'ul',
        null,
        ids.map((id) => h(Row, { key: id, index: id })),
      );
    };
    await show(h(List));
    expect(rendered).toHaveLength(101);

    rendered.length = 0;
    changeCard(mine, 42, { done: true });
    await settled();
    expect(rendered).toEqual([42]);
    expect(container.querySelectorAll('li')[42]?.textContent).toBe('card 42 ✓');

    rendered.length = 0;
    const arrived = nextChange(mine);
    changeCard(other, 7, { done: true });
    await act(() => arrived);
    expect(rendered).toEqual([7]);

    rendered.length = 0;
    mine.owner = 'Bob';
    await settled();
    expect(rendered).toEqual([]);
  });

  test('has one subscription for a thousand renders, and for all components of a page', async () => {
    const { mine } = boards;
    const subscribe = vi.spyOn(Object.getPrototypeOf(mine), '$on');
    onTestFinished(() => subscribe.mockRestore());
    let renders = 0;
    const Owner = ({ turn }: { turn: number }) => {
      renders++;
      return `${useMemory(mine, (m) => m.owner)} ${turn} `;
    };
    for (let turn = 0; turn < 1000; turn++) await show(h('p', null, h(Owner, { turn }), h(Owner, { turn })));
    expect(renders).toBe(2000);
    expect(subscribe.mock.calls.filter(([event]) => event === 'change')).toHaveLength(1);
  });

  test('selectors that make new arrays and objects cause no loop', async () => {
    const { mine } = boards;
    let renders = 0;
    const Counts = () => {
      renders++;
      const counts = useMemory(mine, (m) => ({ deep: [m.cards.filter((card) => card.done).length] }));
      return `done: ${counts.deep[0]}`;
    };
    await show(h(Counts));
    expect([text(), renders]).toEqual(['done: 0', 1]);
    mine.owner = 'Bob';
    await settled();
    expect(renders).toBe(1);
    changeCard(mine, 0, { done: true });
    await settled();
    expect([text(), renders]).toEqual(['done: 1', 2]);
  });

  test('a result that isEqual calls equal is not shown again', async () => {
    const { mine } = boards;
    const seen: string[] = [];
    const Owner = () => {
      seen.push(
        useMemory(
          mine,
          (m) => m.owner,
          (before, after) => before.toLowerCase() === after.toLowerCase(),
        ),
      );
      return null;
    };
    await show(h(Owner));
    mine.owner = 'ANN';
    await settled();
    mine.owner = 'Bob';
    await settled();
    expect(seen).toEqual(['Ann', 'Bob']);
  });

  test('follows the selector of the last render, and the memory', async () => {
    const { mine, server } = boards;
    const second = await Memory.open<Board>({ transport: server.transport(), prefix: 'second:' });
    second.cards = [{ id: 0, title: 'of another memory', done: false }];
    const Title = ({ memory, index }: { memory: Memory<Board>; index: number }) =>
      useMemory(memory, (m) => m.cards[index]?.title);
    await show(h(Title, { memory: mine, index: 1 }));
    expect(text()).toBe('card 1');
    await show(h(Title, { memory: mine, index: 2 }));
    expect(text()).toBe('card 2');
    await show(h(Title, { memory: second, index: 0 }));
    expect(text()).toBe('of another memory');
    changeCard(second, 0, { title: 'changed' });
    await settled();
    expect(text()).toBe('changed');
  });

  test('without a selector it returns the whole state, frozen', async () => {
    const { mine } = boards;
    const states: unknown[] = [];
    const All = () => {
      states.push(useMemory(mine));
      states.push(useMemory(mine, (m) => m));
      return null;
    };
    await show(h(All));
    mine.owner = 'Bob';
    await settled();
    expect(states[0]).toBe(states[1]);
    expect(states[3]).toBe(mine.$snapshot());
    expect(Object.isFrozen(states[3])).toBe(true);
    expect(states).toHaveLength(4);
  });

  test('a change between the render and the subscription is shown', async () => {
    const { mine } = boards;
    const Owner = () => {
      const owner = useMemory(mine, (m) => m.owner);
      if (owner === 'Ann') mine.owner = 'Bob';
      return owner;
    };
    await show(h(Owner));
    expect(text()).toBe('Bob');
  });

  test('works in strict mode, and leaves no listener behind', async () => {
    const { mine } = boards;
    const remove = vi.fn();
    const on = mine.$on;
    const spy = vi.spyOn(Object.getPrototypeOf(mine), '$on').mockImplementation(function (this: never, ...args) {
      const off = (on as (...args: unknown[]) => () => void).apply(this, args);
      return () => {
        remove();
        off();
      };
    });
    onTestFinished(() => spy.mockRestore());
    const Owner = () => useMemory(mine, (m) => m.owner);
    await show(h(StrictMode, null, h(Owner)));
    mine.owner = 'Bob';
    await settled();
    expect(text()).toBe('Bob');
    await show(null);
    expect(remove).toHaveBeenCalledTimes(spy.mock.calls.length);
  });

  test('an unknown attribute, and a selector that throws, reach the boundary and disturb nothing else', async () => {
    hideLoggedErrors();
    const { mine } = boards;
    const Unknown = () => useMemory(mine as Memory, (m) => m.unknown);
    const Failing = () =>
      useMemory(mine, (m) => {
        if (m.owner === 'Bob') throw new Error('no Bob');
        return m.owner;
      });
    const Owner = () => useMemory(mine, (m) => m.owner);
    const inBoundary = (type: () => ReactNode) => h('p', null, h(Boundary, null, h(type)));
    await show(h('div', null, inBoundary(Unknown), inBoundary(Failing), inBoundary(Owner)));
    const shown = () => [...container.querySelectorAll('p')].map((one) => one.textContent);
    expect(shown()).toEqual([expect.stringMatching(/^caught: unknown: not loaded/), 'Ann', 'Ann']);
    mine.owner = 'Bob';
    await settled();
    expect(shown().slice(1)).toEqual(['caught: no Bob', 'Bob']);
    mine.owner = 'Cleo';
    await settled();
    expect(shown().slice(1)).toEqual(['caught: no Bob', 'Cleo']);
  });

  test('what selectors get cannot be changed', async () => {
    hideLoggedErrors();
    const { mine } = boards;
    const Writing = () =>
      useMemory(mine, (m) => {
        (m as { owner: string }).owner = 'Bob';
        return 'written';
      });
    await show(h(Boundary, null, h(Writing)));
    expect(text()).toMatch(/^caught: /);
    expect(mine.owner).toBe('Ann');
  });

  test('selectors may enumerate, and see what is absent', async () => {
    const { mine } = boards;
    const Names = () =>
      useMemory(
        mine,
        (m) => `${Object.keys(m)} ${'owner' in m} ${Object.keys({ ...m }).length} ${'cards' in { ...m }}`,
      );
    await show(h(Names));
    expect(text()).toBe('cards,owner true 2 true');
    delete (mine as Partial<Board>).owner;
    await settled();
    expect(text()).toBe('cards false 1 true');
  });
});

describe('on a server', () => {
  test('the state is rendered, and nothing is subscribed', () => {
    const { mine } = boards;
    const subscribe = vi.spyOn(Object.getPrototypeOf(mine), '$on');
    onTestFinished(() => subscribe.mockRestore());
    const Owner = () => useMemory(mine, (m) => [m.owner])[0];
    expect(renderToString(h(Owner))).toBe('Ann');
    expect(subscribe).not.toHaveBeenCalled();
  });

  test('the page hydrates with what the server has rendered, and goes on with what has changed since', async () => {
    const { mine, other } = boards;
    let renders: string[] = [];
    const Owner = () => {
      const owner = useMemory(mine, (m) => [m.owner, m.cards.length].join());
      renders.push(owner);
      return h('p', null, owner);
    };
    container = document.createElement('div');
    container.innerHTML = renderToString(h(Owner));
    const served = JSON.parse(JSON.stringify(mine.$snapshot()));
    renders = [];
    const arrived = nextChange(mine);
    other.owner = 'Bob';
    await arrived;
    setServerSnapshot(mine, served);
    const onRecoverableError = vi.fn();
    await act(async () => {
      page = hydrateRoot(container, h(Owner), { onRecoverableError });
    });
    expect(onRecoverableError).not.toHaveBeenCalled();
    expect([renders[0], text()]).toEqual(['Ann,100', 'Bob,100']);
  });
});

test('useStatus shows what is pending, and that the server is gone and back', async () => {
  const { mine, server } = boards;
  const seen: string[] = [];
  const Status = () => {
    const { state, pending } = useStatus(mine);
    seen.push(`${state} ${pending}`);
    return null;
  };
  await show(h(Status));
  expect(seen).toEqual(['connected 0']);
  const lost = new Promise((resolve) => mine.$on('disconnect', resolve));
  server.disconnect();
  mine.owner = 'Bob';
  await act(() => lost);
  await settled();
  expect(seen.at(-1)).toBe('disconnected 1');
  server.reconnect();
  await act(() => mine.$flush());
  await settled();
  expect(seen.at(-1)).toBe('connected 0');
});

describe('useOpened', () => {
  test('suspends until the memory is open', async () => {
    const server = new TestServer();
    const opening = Memory.open<Board>({ transport: server.transport(), defaults: { owner: 'Ann' } });
    const Owner = () => useMemory(useOpened(opening), (m) => m.owner);
    act(() => page.render(h(StrictMode, null, h(Suspense, { fallback: 'opening' }, h(Owner)))));
    expect(text()).toBe('opening');
    const mem = await act(() => opening);
    expect(text()).toBe('Ann');
    mem.owner = 'Bob';
    await settled();
    expect(text()).toBe('Bob');
  });

  test('a memory that cannot be opened reaches the boundary', async () => {
    hideLoggedErrors();
    const opening = Memory.open<Board>({ names: 5 as never });
    const Owner = () => useMemory(useOpened(opening), (m) => m.owner);
    await show(h(Boundary, null, h(Suspense, { fallback: 'opening' }, h(Owner))));
    expect(text()).toBe('caught: names must be an array of attribute names');
  });
});
