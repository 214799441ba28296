import('synced-memory').then(async (synced) => {
  const { exercise } = await import('./exercise.mjs');
  console.log(await exercise(synced, () => 'memory://exercise'));
});
