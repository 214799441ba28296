import * as synced from 'synced-memory/edge';
import { exercise } from './exercise.mjs';

// Without `await`, which a bundle in CommonJS could not have here.
exercise(synced, () => 'memory://exercise').then(console.log);
