const synced = require('synced-memory');
const edge = require('synced-memory/edge');

import('./exercise.mjs').then(async ({ exercise }) => {
  console.log(await exercise(synced, () => 'memory://exercise'));
  console.log(await exercise(edge, () => 'memory://exercise'));
});
