/** The data of each server-sent event of a response body. */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('data:')) {
          data.push(line.slice(line[5] === ' ' ? 6 : 5));
        } else if (line === '' && data.length > 0) {
          yield data.join('\n');
          data = [];
        } else if (!/^(:|event:|id:|retry:|$)/.test(line)) {
          // Some servers send a payload with line feeds as it is, so that its later lines have no field name.
          data.push(line);
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
