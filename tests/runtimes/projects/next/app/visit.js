/** What both routes do with the memory that they open. */
export async function visit(mem, request) {
  mem.visits.push(new URL(request.url).searchParams.get('who'));
  await mem.$close();
  return Response.json(mem.visits);
}
