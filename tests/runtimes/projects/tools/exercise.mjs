// A program for every runtime: one memory writes, another reads what was stored.
export async function exercise({ Memory }, options) {
  const mem = await Memory.open(options());
  mem.tasks = ['draft'];
  mem.tasks.push('review');
  mem.config = { theme: 'dark' };
  await mem.$flush();
  const other = await Memory.open(options());
  const seen = JSON.stringify([other.tasks, other.config]);
  await mem.$close();
  await other.$close();
  return seen;
}
