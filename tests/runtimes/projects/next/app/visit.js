/** Records a visit in the memory of a route. */
export async function visit(mem, request) {
  mem.visits.push(new URL(request.url).searchParams.get('who'));
  await mem.$close();
  return Response.json(mem.visits);
}
