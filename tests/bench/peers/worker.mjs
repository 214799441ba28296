// A process with one contender. For each message `{ operation, calls }` it performs one round, and answers with nanoseconds a
// call: `calling` until the last call returned, `whole` with what the library does at the end of the task. Without them if
// the contender has no such operation.
import { contenders } from './contenders.mjs';
import { operations } from './operations.mjs';

const create = contenders[process.argv[2] ?? ''];
/** Makes results count, so that the engine cannot leave out the work. */
let sink = 0;
/** The contender of the current operation, and the number of calls since it was created. */
let contender;
let current = '';
let call = 0;

process.on('message', async ({ operation: name, calls }) => {
  const operation = operations[name];
  if (current !== name || operation.isFresh) {
    contender = undefined;
    contender = await create(operation.state(), name);
    current = name;
    call = 0;
  }
  const perform = performer(operation);
  if (perform === undefined) return process.send?.({});
  perform(1);
  await contender.settle?.();
  if (operation.isFresh) globalThis.gc?.();
  const began = process.hrtime.bigint();
  perform(calls);
  const returned = process.hrtime.bigint();
  await Promise.resolve();
  const ended = process.hrtime.bigint();
  await contender.settle?.();
  const each = calls * (operation.each ?? 1);
  process.send?.({ calling: Number(returned - began) / each, whole: Number(ended - began) / each, sink });
});

/** Returns a function that performs an operation a number of times; undefined if the contender has no such operation. */
function performer({ change, read, text, takesSnapshot }) {
  if (contender.isSupported === false || (takesSnapshot && contender.snapshot === undefined)) return undefined;
  if (read !== undefined) {
    const readState = contender.read ?? read;
    return (calls) => {
      for (let n = 0; n < calls; n++) sink += readState(contender.state, call++) === undefined ? 1 : 0;
    };
  }
  const finish = takesSnapshot ? contender.snapshot : text && (contender.text ?? text);
  if (finish === undefined) {
    return (calls) => {
      for (let n = 0; n < calls; n++) contender.change(change, call++);
    };
  }
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      contender.change(change, call++);
      sink += finish(contender.state) === undefined ? 1 : 0;
    }
  };
}
