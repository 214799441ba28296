import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { isFree, startRedisServer } from '../../scripts/redis-server.mjs';

const SLOTS = 16384;

/** One node, which keeps its data, its port and its place in the cluster over being killed. */
export class Node {
  private server: Awaited<ReturnType<typeof startRedisServer>> | undefined;
  private readonly folder = mkdtempSync(join(tmpdir(), 'synced-memory-node-'));
  id = '';

  constructor(readonly port: number) {}

  async start(): Promise<void> {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', this.folder];
    const clustered = ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no', '--cluster-node-timeout'];
    const options = [...durable, ...clustered, '1000', '--repl-diskless-sync-delay', '0'];
    this.server = await startRedisServer(['--port', String(this.port), ...options]);
    this.id ||= String(await this.ask('CLUSTER', 'MYID'));
  }

  async ask(...command: string[]): Promise<unknown> {
    const client = createClient({ url: `redis://127.0.0.1:${this.port}`, RESP: 2 });
    await client.connect();
    try {
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.server?.stop();
    this.server = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  static async prepare(): Promise<Node> {
    for (;;) {
      // The cluster's bus has the port that is 10,000 higher. Systems give ports above both to
      // whoever connects: those come and go.
      const port = 11_000 + Math.floor(Math.random() * 11_000);
      if ((await isFree(port)) && (await isFree(port + 10_000))) return new Node(port);
    }
  }
}

/** Three masters on this machine that share the slots. */
export class Cluster {
  private constructor(readonly nodes: [Node, Node, Node]) {}

  static async start(): Promise<Cluster> {
    const nodes: [Node, Node, Node] = [await Node.prepare(), await Node.prepare(), await Node.prepare()];
    await Promise.all(nodes.map((node) => node.start()));
    const share = Math.ceil(SLOTS / nodes.length);
    for (const [index, node] of nodes.entries()) {
      const last = Math.min(SLOTS, (index + 1) * share);
      const slots = Array.from({ length: last - index * share }, (_, n) => String(index * share + n));
      await node.ask('CLUSTER', 'ADDSLOTS', ...slots);
      await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    }
    for (const node of nodes.slice(1)) await nodes[0].ask('CLUSTER', 'MEET', '127.0.0.1', String(node.port));
    const cluster = new Cluster(nodes);
    await cluster.agreed();
    return cluster;
  }

  /** Every node knows of every slot. */
  async agreed(): Promise<void> {
    for (const node of this.nodes) {
      const info = async () => String(await node.ask('CLUSTER', 'INFO'));
      while (!/state:ok.*slots_ok:16384.*known_nodes:3/s.test(await info())) await pause();
    }
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map((node) => `127.0.0.1:${node.port}`).join(',')}`;
  }

  async slot(key: string): Promise<number> {
    return Number(await this.nodes[0].ask('CLUSTER', 'KEYSLOT', key));
  }

  owner(slot: number): Node {
    return this.nodes[Math.floor(slot / Math.ceil(SLOTS / 3))] as Node;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }
}

/** Between two questions to a server that tells nobody when its answer changes. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
