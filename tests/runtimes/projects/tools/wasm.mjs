import * as synced from 'synced-memory/edge';
import { exercise } from './exercise.mjs';

console.log(await exercise(synced, () => 'memory://exercise'));
