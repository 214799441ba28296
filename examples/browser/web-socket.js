// A transport of one's own: commands over a WebSocket, as bridge.js takes them. It need not be reliable: what is not
// answered is sent again by the memory, and applied once.

/** `url` is the bridge's. */
export function webSocket(url) {
  const waiting = new Map();
  const listeners = new Set();
  let lastId = 0;
  let connection;

  /** The connection that there is, or a new one. */
  function connected() {
    connection ??= new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.onopen = () => resolve(socket);
      socket.onmessage = ({ data }) => received(JSON.parse(data));
      socket.onclose = () => {
        connection = undefined;
        const error = new Error('no connection to the bridge');
        reject(error);
        for (const request of waiting.values()) request.reject(error);
        waiting.clear();
        // They subscribe again, and find out what they have missed.
        for (const listener of listeners) listener.lost(error);
        listeners.clear();
      };
    });
    return connection;
  }

  function received({ id, replies, changed }) {
    if (changed !== undefined) for (const listener of listeners) listener.changed(changed);
    waiting.get(id)?.resolve(replies);
    waiting.delete(id);
  }

  return {
    async execute(commands) {
      const socket = await connected();
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        socket.send(JSON.stringify({ id, commands }));
      });
    },
    // The bridge tells of the keys that anybody changed, whatever the channel.
    async subscribe(_channel, listener) {
      await connected();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    notifiesAllWrites: true,
    async close() {
      (await connection)?.close();
    },
  };
}
