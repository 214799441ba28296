import type { AnyState, NameOf } from '../base/any-state.js';
import type { SyncedMemoryError } from '../base/errors.js';
import type { TlsOptions } from '../engine/engine.js';
import type { Transport } from '../engine/transport.js';
import type { HistoryOptions } from './history-options.js';
import type { JournalOptions } from './journal-options.js';
import type { Schemas } from './schema.js';

/** Default values of a state, by attribute. */
export type Defaults<S extends object> = string extends keyof S ? object : Partial<S> & object;

/** Options of `Memory.open`. S is the shape of the attributes. */
export interface OpenOptions<S extends object = AnyState> {
  /**
   * URL of the backend:
   * - `redis://[user:password@]host[:port][/db]`: one server. `rediss:` uses TLS.
   * - `redis+unix:///path/of/socket[?db=n&user=name&pass=password]`: one server over a Unix socket. No other URL has parameters.
   * - `redis+cluster://[user:password@]node1[:port],node2[:port]`: a cluster, of which some nodes are named. `rediss+cluster:`
   *   uses TLS.
   * - `redis+sentinel://[user:password@]sentinel1[:port],sentinel2[:port]/name[/db]`: the master that Sentinel calls `name`. The
   *   login is for the servers, and for the sentinels if they ask for one. `rediss+sentinel:` uses TLS.
   * - `file:path/of.db`: an embedded file.
   * - `memory:` or `memory://name`: this process only.
   *
   * Default: SYNCED_MEMORY_URL, REDIS_URL, or REDIS_HOST and REDIS_PORT from the environment. If none is set, the embedded file
   * `.synced-memory/memory.db`; under NODE_ENV=production that is an ERR_OPTIONS.
   */
  url?: string;
  /** Certificates for `rediss:` URLs. Addon only. */
  tls?: TlsOptions;
  /** Carries commands to a server, instead of `url`. Wasm build only. */
  transport?: Transport;
  /** The text that every key begins with. Default: REDIS_PREFIX from the environment, or `memory:`. */
  prefix?: string;
  /**
   * Names of the attributes to load; those of `defaults` are loaded, too. Reading another one throws ERR_NOT_LOADED until
   * `$load([name])`. Default: all that exist.
   */
  names?: readonly NameOf<S>[];
  /** Attributes to create if they are absent, by name. The server decides, so processes that start together agree. */
  defaults?: Defaults<S>;
  /**
   * Validators by attribute, which implement Standard Schema (zod, valibot, arktype). A mutation with an invalid result throws
   * ERR_SCHEMA and changes nothing. An invalid value that another writer stored raises an `error` event, and can be read. Each
   * mutation costs a validation of the whole attribute.
   */
  schema?: Schemas | undefined;
  /** Seconds until an attribute expires after the last commit of this memory. Default: lifetimes stay as they are. */
  ttl?: number;
  /**
   * Greatest length of an attribute's JSON text, in bytes. A longer one that is stored is not read: reading the attribute throws
   * ERR_TOO_LARGE. Default: 64 MiB.
   */
  maxDocumentBytes?: number;
  /**
   * About the most bytes of memory that unacknowledged mutations may take, which is several times their text. A mutation that does
   * not fit throws ERR_QUEUE_FULL, except when nothing else is pending. Default: 128 MiB.
   */
  maxPendingBytes?: number;
  /**
   * Milliseconds that `open` waits until the attributes are loaded, through failures and lost connections; Infinity for no limit.
   * Then it rejects with ERR_UNREACHABLE, or with ERR_BUSY where the server was reached. Default: 10000.
   */
  openTimeout?: number;
  /**
   * With true, `open` does not wait for the server: attributes are unknown until it was reached. Reading one throws ERR_NOT_LOADED,
   * except one with a default; mutations wait. Default: false.
   */
  offline?: boolean;
  /**
   * Milliseconds that blocking calls and `$flush({ replicas })` wait for the server; Infinity for no limit.
   * Default: 5000.
   */
  timeout?: number;
  /**
   * Milliseconds that `$close`, and a process with nothing left to do, wait for pending mutations; Infinity for no limit. A process
   * that gives them up then prints what is lost, and its exit code is 1 unless it has set another. `process.exit()` waits for a
   * second at most, and on the wasm build not at all. Default: 10000.
   */
  exitTimeout?: number;
  /**
   * Whether dicts have Python's methods (`dict.pop(key)`). With false, a dict has its own keys and nothing else, and the package's
   * functions do the same: `pop(dict, key)`. Default: true.
   */
  pythonMethods?: boolean;
  /**
   * A local file, as a `file:` URL, that keeps what is not acknowledged and the last known documents. After a crash, a kill or a
   * power cut, the next memory that opens it goes on as the same writer, and every mutation is applied exactly once. One memory at a
   * time can have it open: another one gets ERR_JOURNAL_IN_USE. Addon only. Default: none.
   */
  journal?: string | JournalOptions;
  /**
   * A name for this process, for people: at most 64 bytes that can be printed. Change events of other processes carry it, and
   * `$writers()` lists it, for which the process gives a sign of life every 30 seconds (over a transport that lives for a request:
   * once). It is part of the writer's id in side keys and messages. A journal keeps the name that it was made with. Default: none;
   * the process is not listed.
   */
  writer?: string;
  /**
   * Records the last commits of each attribute on the server, for `$history`, `$at` and `$restore`: `{ max: 1000 }` of all, or with
   * `names` of some. Every process that changes an attribute should record it. Default: nothing is recorded.
   */
  history?: HistoryOptions;
  /** Called with every error that no call can throw, as listeners of the event `error` are. */
  onError?: (error: SyncedMemoryError) => void;
}

/** Options of `$scope`. What is not given is as in the parent memory, except for `names`, `defaults` and `schema`. */
export interface ScopeOptions<S extends object = AnyState>
  extends Pick<
    OpenOptions,
    | 'schema'
    | 'ttl'
    | 'maxDocumentBytes'
    | 'maxPendingBytes'
    | 'openTimeout'
    | 'offline'
    | 'timeout'
    | 'exitTimeout'
    | 'pythonMethods'
    | 'writer'
    | 'history'
    | 'onError'
  > {
  /** Names of the attributes to load. Default: those of `defaults`; without `defaults`, all that exist. */
  names?: readonly NameOf<S>[];
  /** Attributes to create if they are absent, by name. The server decides. */
  defaults?: Defaults<S>;
  /** The journal of the scope. Required where the memory keeps one; false: none. */
  journal?: string | JournalOptions | false;
}
