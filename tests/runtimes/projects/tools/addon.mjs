import * as synced from 'synced-memory';
import { exercise } from './exercise.mjs';

console.log(await exercise(synced, () => process.argv[2] ?? 'memory://exercise'));
