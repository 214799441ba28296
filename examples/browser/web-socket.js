// A transport of one's own: commands over a WebSocket, as bridge.js takes them. It need not be reliable: what is not
// answered is sent again by the memory, and applied once.

const RETRY_MS = 1000;

/** `url` is the bridge's; `onReturn` is called when the connection is there again after it was lost. */
export function webSocket(url, onReturn) {
  const waiting = new Map();
  const watchers = new Set();
  let lastId = 0;
  let closed = false;
  let connection = connect();

  function connect() {
    const opening = new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.onopen = () => resolve(socket);
      socket.onmessage = ({ data }) => received(JSON.parse(data));
      socket.onclose = () => {
        const error = new Error('no connection to the bridge');
        reject(error);
        for (const request of waiting.values()) request.reject(error);
        waiting.clear();
        if (!closed) setTimeout(reconnect, RETRY_MS);
      };
    });
    // Who executes hears of it.
    opening.catch(() => {});
    return opening;
  }

  function reconnect() {
    connection = connect();
    connection.then(onReturn, () => {});
  }

  function received({ id, replies, changed }) {
    if (changed !== undefined) for (const watcher of watchers) watcher(changed);
    waiting.get(id)?.resolve(replies);
    waiting.delete(id);
  }

  return {
    async execute(commands) {
      const socket = await connection;
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        socket.send(JSON.stringify({ id, commands }));
      });
    },
    watch(changed) {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    async close() {
      closed = true;
      (await connection).close();
    },
  };
}
