import { Memory } from 'synced-memory';

export interface State {
  tasks: string[];
  count: number;
  config: { theme: string; lang?: string };
}

/** Opens the memory of the programs. This compiles. */
export const open = () => Memory.open<State>({ url: 'memory:', defaults: { tasks: [] }, names: ['tasks', 'count'] });
