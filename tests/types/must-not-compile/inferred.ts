import { Memory } from 'synced-memory';

const mem = await Memory.open({ defaults: { tasks: [] as string[], count: 0 }, names: ['config'] });
mem.tasks.push('a');
mem.count += 1;
mem.config.theme = 'dark';
mem.tasks.push(1); // error: not a string
mem.count = 'one'; // error: not a number
mem.other = 1; // error: no such attribute

const scope = await mem.$scope('scope', { defaults: { turns: [1] } });
scope.turns.push(2);
scope.turns.push('b'); // error: not a number
scope.tasks = []; // error: the scope is a memory of its own

const loose = await Memory.open({ defaults: { empty: [], dict: {}, nothing: null } });
loose.empty.push('a', 1);
loose.dict.key = 1;
loose.nothing = 'something';
