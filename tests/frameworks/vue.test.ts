import { createRequire } from 'node:module';
import { Memory, TestServer } from 'synced-memory/testing';
import { useMemory, useStatus } from 'synced-memory/vue';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import {
  type App,
  createApp,
  createSSRApp,
  defineComponent,
  effectScope,
  h,
  nextTick,
  onErrorCaptured,
  ref,
  type SetupContext,
} from 'vue';
import { type Board, changeCard, nextChange, openBoards } from './board.js';

let container: HTMLElement;
let boards: Awaited<ReturnType<typeof openBoards>>;
beforeEach(async () => {
  container = document.createElement('div');
  boards = await openBoards();
});

/** Mounts a component; the test's end unmounts it. */
function show(component: object): App {
  const app = createApp(component);
  app.mount(container);
  onTestFinished(() => app.unmount());
  return app;
}

/** Resolves when what the mutations of this task cause is on the page. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  await nextTick();
}

const text = () => container.textContent;

test('toggling one of a hundred cards renders its row and nothing else', async () => {
  const { mine, other } = boards;
  const rendered: (number | string)[] = [];
  const Row = defineComponent({
    props: { index: { type: Number, required: true } },
    setup(props) {
      const card = useMemory(mine, (m) => m.cards[props.index]);
      return () => {
        rendered.push(props.index);
        return h('li', `${card.value?.title}${card.value?.done ? ' ✓' : ''}`);
      };
    },
  });
  show({
    setup() {
      const ids = useMemory(mine, (m) => m.cards.map(({ id }) => id));
      return () => {
        rendered.push('list');
        return ids.value.map((id) => h(Row, { key: id, index: id }));
      };
    },
  });
  await settled();
  expect(rendered).toHaveLength(101);

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

test('selectors read refs; the components share one subscription, which ends with them', async () => {
  const { mine } = boards;
  const subscribe = vi.spyOn(Object.getPrototypeOf(mine), '$on');
  onTestFinished(() => subscribe.mockRestore());
  const index = ref(1);
  const Title = {
    setup: () =>
      (
        (title) => () =>
          title.value
      )(useMemory(mine, (m) => m.cards[index.value]?.title)),
  };
  const app = createApp({ render: () => [h(Title), ' ', h(Title)] });
  app.mount(container);
  expect(text()).toBe('card 1 card 1');
  index.value = 2;
  await settled();
  expect(text()).toBe('card 2 card 2');
  changeCard(mine, 2, { title: 'changed' });
  await settled();
  expect(text()).toBe('changed changed');
  expect(subscribe.mock.calls.map(([event]) => event)).toEqual(['change']);
  app.unmount();
  const scope = effectScope();
  const title = scope.run(() => useMemory(mine, (m) => m.cards[2]?.title));
  changeCard(mine, 2, { title: 'outside of components' });
  await settled();
  expect(title?.value).toBe('outside of components');
  expect(subscribe).toHaveBeenCalledTimes(2);
  scope.stop();
});

test('a change between the setup and the mounting is shown', async () => {
  const { mine } = boards;
  show({
    setup() {
      const owner = useMemory(mine, (m) => m.owner);
      expect(owner.value).toBe('Ann');
      mine.owner = 'Bob';
      return () => owner.value;
    },
  });
  await settled();
  expect(text()).toBe('Bob');
});

test('a selector that throws reaches the error handler of Vue and disturbs nothing else', async () => {
  const { mine } = boards;
  const errors: unknown[] = [];
  const Failing = {
    setup() {
      const owner = useMemory(mine, (m) => {
        if (m.owner === 'Bob') throw new Error('no Bob');
        return m.owner;
      });
      return () => owner.value;
    },
  };
  const Boundary = {
    setup(_: object, { slots }: SetupContext) {
      onErrorCaptured((error) => {
        errors.push(error);
        return false;
      });
      return () => slots.default?.();
    },
  };
  const Owner = {
    setup: () =>
      (
        (owner) => () =>
          owner.value
      )(useMemory(mine, (m) => m.owner)),
  };
  show({ render: () => [h(Boundary, null, { default: () => h(Failing) }), ' ', h(Owner)] });
  mine.owner = 'Bob';
  await settled();
  expect(errors).toContainEqual(new Error('no Bob'));
  expect(text()).toMatch(/ Bob$/);
  mine.owner = 'Cleo';
  await settled();
  expect(text()).toBe('Cleo Cleo');
});

test('on a server the state is rendered, and nothing is subscribed', async () => {
  const { mine } = boards;
  const subscribe = vi.spyOn(Object.getPrototypeOf(mine), '$on');
  onTestFinished(() => subscribe.mockRestore());
  const { renderToString } = createRequire(import.meta.url)('vue/server-renderer');
  const app = createSSRApp({
    setup: () =>
      (
        (owner) => () =>
          h('p', owner.value)
      )(useMemory(mine, (m) => m.owner)),
  });
  expect(await renderToString(app)).toBe('<p>Ann</p>');
  expect(subscribe).not.toHaveBeenCalled();
});

test('useStatus shows what is pending, and that the server is gone and back', async () => {
  const server = new TestServer();
  const mine = await Memory.open<Board>({ transport: server.transport(), defaults: { owner: 'Ann' } });
  await mine.$flush();
  show({
    setup: () =>
      (
        (status) => () =>
          `${status.value.state} ${status.value.pending}`
      )(useStatus(mine)),
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
