// A TCP proxy between a memory and a real server that injects network faults.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class FaultProxy {
  /** Delay of each chunk in milliseconds, in both directions. */
  latency = 0;
  /** True if bytes are forwarded one by one. */
  fragment = false;
  /** Bytes each way per millisecond. */
  bandwidth = Number.POSITIVE_INFINITY;
  /** The direction that is dropped while connections stay open. */
  swallow = { requests: false, replies: false };
  /** True if new connections are reset at once. */
  refuse = false;
  /** Bytes of replies until their connection is cut. */
  #bytesToCut = Number.POSITIVE_INFINITY;
  /** Runs when it is cut. */
  #onCut = () => {};

  /** @type {Set<{ client: import('node:net').Socket, server: import('node:net').Socket, swallow: FaultProxy['swallow'] }>} */
  #pairs = new Set();
  #listener;

  /** @param {number} target port of the server */
  constructor(target) {
    this.#listener = createServer({ noDelay: true }, (client) => {
      if (this.refuse) {
        client.resetAndDestroy();
        return;
      }
      const server = connect({ host: '127.0.0.1', port: target, noDelay: true });
      const pair = { client, server, swallow: { requests: false, replies: false } };
      this.#pairs.add(pair);
      const end = () => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) socket.on('error', () => {}).on('close', end);
      this.#forward(client, server, 'requests', pair.swallow);
      this.#forward(server, client, 'replies', pair.swallow);
    });
  }

  async listen() {
    this.#listener.listen(0, '127.0.0.1');
    await once(this.#listener, 'listening');
    return this;
  }

  get port() {
    return /** @type {import('node:net').AddressInfo} */ (this.#listener.address()).port;
  }

  get connections() {
    return this.#pairs.size;
  }

  /** Resets every connection, in both directions. */
  reset() {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Cuts the connection that brings the reply with this byte, counted from now on. Resolves when it is cut. @param {number} byte */
  cutRepliesAt(byte) {
    this.#bytesToCut = byte;
    return new Promise((resolve) => {
      this.#onCut = () => resolve(undefined);
    });
  }

  /** Ends all faults for new connections; the present ones stay silent. */
  forget() {
    const { requests, replies } = this.swallow;
    for (const pair of this.#pairs) Object.assign(pair.swallow, { requests, replies });
    this.swallow = { requests: false, replies: false };
  }

  async close() {
    this.reset();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  /** @param {import('node:net').Socket} from @param {import('node:net').Socket} to @param {'requests' | 'replies'} what @param {FaultProxy['swallow']} own */
  async #forward(from, to, what, own) {
    try {
      for await (const piece of from) {
        if (this.latency > 0) await passed(this.latency);
        if (this.bandwidth < Number.POSITIVE_INFINITY) await passed(piece.length / this.bandwidth);
        if (this.swallow[what] || own[what]) continue;
        if (what === 'replies') {
          this.#bytesToCut -= piece.length;
          if (this.#bytesToCut <= 0) {
            to.end(piece.subarray(0, piece.length + this.#bytesToCut));
            this.#bytesToCut = Number.POSITIVE_INFINITY;
            from.destroy();
            this.#onCut();
            return;
          }
        }
        if (!this.fragment) {
          if (!to.write(piece)) await once(to, 'drain');
          continue;
        }
        for (const byte of piece) to.write(Buffer.of(byte));
      }
      to.end();
    } catch {
      // The connection is cut.
    }
  }
}

/** @param {number} milliseconds */
const passed = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
