import { type Json, Memory, PrefixedMemory, type SyncedDict, type SyncedList } from 'synced-memory';

interface Tree {
  name: string;
  big: bigint;
  parent?: Tree;
  children: Tree[];
}

interface Good {
  tree: Tree;
  list: SyncedList<{ id: number }>;
  dict: SyncedDict<{ theme: string; lang?: string }>;
  tuple: [string, number | null];
  loose: unknown;
  frozen: readonly string[];
  record: Record<string, Tree[]>;
  kind: 'a' | 'b' | undefined;
}

const good = await Memory.open<Good>('memory:');
good.list.append({ id: 1 });
good.tree.children.push(good.tree);
await Memory.open<Json<Good>>('memory:');
await PrefixedMemory.open<Good>('scope', 'memory:');
Memory.openSync<Good>('memory:');
await good.$scope<Good>('scope');

class Point {
  x = 0;
  length() {
    return this.x;
  }
}

interface Bad {
  due: Date;
  by: Map<string, number>;
  tags: { names: Set<string> }[];
  run: () => void;
  at: Point;
  deep: { a: { b: { c: { when: Date | null }[] } } };
}

await Memory.open<Bad>('memory:'); // error: `due: a Date cannot be stored; use Json<S> as the state`
await Memory.open<{ by: Map<string, number> }>('memory:'); // error: `by: a Map cannot be stored`
await Memory.open<{ tags: { names: Set<string> }[] }>('memory:'); // error: `tags[].names: a Set cannot be stored`
await Memory.open<{ run: () => void }>('memory:'); // error: `run: a function cannot be stored`
await Memory.open<{ at: Point }>('memory:'); // error: `at.length: a function cannot be stored`
await Memory.open<Pick<Bad, 'deep'>>('memory:'); // error: `deep.a.b.c[].when: a Date cannot be stored`
await Memory.open<{ list: SyncedList<Date> }>('memory:'); // error: `list[]: a Date cannot be stored`
await Memory.open<{ dict: SyncedDict<{ due: Date }> }>('memory:'); // error: `dict.due: a Date cannot be stored`
await Memory.open<{ tuple: [string, Date] }>('memory:'); // error: `tuple[]: a Date cannot be stored`
await Memory.open<{ $name: string }>('memory:'); // error: `$name: not the name of an attribute`
await Memory.open<{ _name: string }>('memory:'); // error: a name with _
await Memory.open<{ 'a:b': string }>('memory:'); // error: a name with :
await PrefixedMemory.open<Bad>('scope', 'memory:'); // error: Date
Memory.openSync<Bad>('memory:'); // error: Date
await good.$scope<Bad>('scope'); // error: Date
await Memory.open({ defaults: { due: new Date() } }); // error: `due: a Date cannot be stored`
await Memory.open({ defaults: { tags: { names: new Set([1]) } } }); // error: `tags.names: a Set cannot be stored`

type Nine<T> = { b: { c: { d: { e: { f: { g: { h: { i: T } } } } } } } };
await Memory.open<{ a: Nine<Date>['b']['c']['d'] }>('memory:'); // error: `a.e.f.g.h.i: a Date cannot be stored`
await Memory.open<{ a: Nine<Date>['b'] }>('memory:'); // error: `a.c.d.e.f.g.h.i: a Date cannot be stored`
await Memory.open<{ a: Nine<Date> }>('memory:');

const json = await Memory.open<Json<Bad>>('memory:');
json.due satisfies string;
json.by satisfies Record<string, number>;
json.tags[0]?.names satisfies string[] | undefined;
json.at satisfies { x: number };
json.deep.a.b.c[0]?.when satisfies string | null | undefined;
json.run(); // error: left out

interface Endless {
  due: Date;
  next: Endless[];
  more: Record<string, Endless>;
}
await Memory.open<Endless>('memory:'); // error: Date
(await Memory.open<Json<Endless>>('memory:')).next[0]?.next[0]?.due satisfies string | undefined;
