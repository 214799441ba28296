// Clusters on this machine.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { isFree, startRedisServer } from '../../scripts/redis-server.mjs';
import { until } from './until.mjs';

const SLOTS = 16384;
const MASTERS = 3;
const SHARE = Math.ceil(SLOTS / MASTERS);

/** The files of a server that speaks TLS. @typedef {{ ca: string, cert: string, key: string }} TlsFiles */

/** One node of a cluster, which keeps its data, port and identity when it is killed. */
export class Node {
  id = '';
  /** @type {Awaited<ReturnType<typeof startRedisServer>> | undefined} */
  #server;
  #folder = mkdtempSync(join(tmpdir(), 'synced-memory-node-'));
  #tls;

  /** @param {number} port @param {TlsFiles} [tls] */
  constructor(port, tls) {
    this.port = port;
    this.#tls = tls;
  }

  async start() {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', this.#folder];
    const clustered = ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no', '--cluster-node-timeout'];
    const replication = ['--repl-diskless-sync-delay', '0', '--cluster-replica-validity-factor', '0'];
    const options = [...durable, ...clustered, '1000', ...replication];
    this.#server = await startRedisServer([...this.#ports(), ...options]);
    this.id ||= String(await this.ask('CLUSTER', 'MYID'));
  }

  #ports() {
    if (this.#tls === undefined) return ['--port', String(this.port)];
    const { ca, cert, key } = this.#tls;
    const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key];
    const everywhere = ['--tls-cluster', 'yes', '--tls-replication', 'yes', '--tls-auth-clients', 'optional'];
    return ['--port', '0', '--tls-port', String(this.port), ...files, ...everywhere];
  }

  /** Sends one command. @param {string[]} command @returns {Promise<unknown>} */
  async ask(...command) {
    const address = { host: '127.0.0.1', port: this.port };
    const socket = this.#tls ? { ...address, tls: /** @type {const} */ (true), rejectUnauthorized: false } : address;
    const client = createClient({ socket, RESP: 2 });
    await client.connect();
    try {
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    this.#server?.signal(name);
  }

  /** SIGKILL. */
  async kill() {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** Deletes what a killed node has on disk, except its identity and its slots. */
  loseData() {
    for (const name of ['appendonlydir', 'appendonly.aof', 'dump.rdb']) {
      rmSync(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  async remove() {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A node on a free port. @param {TlsFiles} [tls] */
  static async prepare(tls) {
    for (;;) {
      // The cluster's bus uses the port that is 10,000 higher. Both are below the range from which systems take the ports of
      // outgoing connections.
      const port = 11_000 + Math.floor(Math.random() * 11_000);
      if ((await isFree(port)) && (await isFree(port + 10_000))) return new Node(port, tls);
    }
  }
}

/** Three masters on this machine that share the slots, and as many replicas as asked for. */
export class Cluster {
  /** @param {[Node, Node, Node]} nodes @param {Node[]} replicas @param {string} scheme */
  constructor(nodes, replicas, scheme) {
    /** The masters. */
    this.nodes = nodes;
    /** The replica of the master with the same index. */
    this.replicas = replicas;
    this.scheme = scheme;
  }

  /** @param {{ replicas?: number, tls?: TlsFiles }} [options] */
  static async start({ replicas: count = 0, tls } = {}) {
    const prepared = [];
    for (let n = 0; n < MASTERS + count; n++) prepared.push(await Node.prepare(tls));
    await Promise.all(prepared.map((node) => node.start()));
    const nodes = /** @type {[Node, Node, Node]} */ (prepared.slice(0, MASTERS));
    for (const [index, node] of nodes.entries()) {
      const last = Math.min(SLOTS, (index + 1) * SHARE);
      const slots = Array.from({ length: last - index * SHARE }, (_, n) => String(index * SHARE + n));
      await node.ask('CLUSTER', 'ADDSLOTS', ...slots);
      await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    }
    for (const node of prepared.slice(1)) await nodes[0].ask('CLUSTER', 'MEET', '127.0.0.1', String(node.port));
    const cluster = new Cluster(nodes, prepared.slice(MASTERS), tls === undefined ? 'redis+cluster' : 'rediss+cluster');
    await cluster.agreed();
    for (const [index, replica] of cluster.replicas.entries()) {
      const { id } = /** @type {Node} */ (nodes[index]);
      await replica.ask('CLUSTER', 'REPLICATE', id);
      const isLinked = async () => String(await replica.ask('INFO', 'replication')).includes('master_link_status:up');
      await until('the replica has a link to its master', isLinked);
    }
    return cluster;
  }

  get #all() {
    return [...this.nodes, ...this.replicas];
  }

  /** Resolves when every node knows every slot and all nodes. Nodes do not announce that. */
  async agreed() {
    const expected = new RegExp(`state:ok.*slots_ok:${SLOTS}.*known_nodes:${this.#all.length}`, 's');
    for (const node of this.#all) {
      await until('all nodes agree', async () => expected.test(String(await node.ask('CLUSTER', 'INFO'))));
    }
  }

  get url() {
    return `${this.scheme}://${this.nodes.map((node) => `127.0.0.1:${node.port}`).join(',')}`;
  }

  /** @param {string} key @returns {Promise<number>} */
  async slot(key) {
    return Number(await this.nodes[0].ask('CLUSTER', 'KEYSLOT', key));
  }

  /** The master that the slot had at first. @param {number} slot @returns {Node} */
  owner(slot) {
    return /** @type {Node} */ (this.nodes[Math.floor(slot / SHARE)]);
  }

  /**
   * Moves a slot with its keys. `beforeEnd` runs when all keys have moved and the slot has not.
   * @param {number} slot @param {Node} from @param {Node} to @param {() => Promise<void>} [beforeEnd]
   */
  async moveSlot(slot, from, to, beforeEnd = async () => {}) {
    await to.ask('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', from.id);
    await from.ask('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', to.id);
    for (;;) {
      const keys = /** @type {string[]} */ (await from.ask('CLUSTER', 'GETKEYSINSLOT', String(slot), '100'));
      if (keys.length === 0) break;
      await from.ask('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys);
    }
    await beforeEnd();
    for (const node of [to, from]) await node.ask('CLUSTER', 'SETSLOT', String(slot), 'NODE', to.id);
  }

  async stop() {
    await Promise.all(this.#all.map((node) => node.remove()));
  }
}
