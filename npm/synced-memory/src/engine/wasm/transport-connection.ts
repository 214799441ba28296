import type { ConnectionErrorCode } from '../../../wasm/core.js';
import type { Clock } from '../../base/clock.js';
import { isLasting, isPassing } from '../../base/errors.js';
import { excerpt } from '../../base/excerpt.js';
import type { Command, Reply, Transport } from '../transport.js';
import { Backoff } from './backoff.js';

/** The first and the longest wait before a transport that failed is tried again, in milliseconds. */
const FIRST_RETRY_MS = 20;
const LONGEST_RETRY_MS = 2_000;

/** Why a transport cannot be used. */
export interface ConnectionError {
  readonly code: ConnectionErrorCode;
  readonly message: string;
}

/** The events of a connection. */
export interface ConnectionEvents {
  /** The transport can be used (again). */
  connected(): void;
  /** The transport failed. Not repeated while it fails with the same code. */
  disconnected(error: ConnectionError): void;
  /** The replies to the request. Throws a {@link ConnectionError} where they are none. */
  replies(replies: Reply[]): void;
  /** The first request after a failure succeeded. */
  recovered(): void;
}

/**
 * Carries the requests of one session over a transport: one at a time, so that commits arrive in order whatever the transport
 * does. After a failure it waits and reports `connected` again.
 */
export class TransportConnection {
  /** May requests be sent? Not while waiting for the next attempt. */
  #isOpen = false;
  /** Cancels the request under way; another one in its place makes its outcome meaningless. */
  #request: AbortController | undefined;
  #failure: ConnectionErrorCode | undefined;
  #cancelRetry = (): void => {};
  readonly #backoff: Backoff;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #on: ConnectionEvents;
  /** Runs an event when the session may be called. */
  readonly #defer: (event: () => void) => void;

  constructor(transport: Transport, clock: Clock, on: ConnectionEvents, defer: (event: () => void) => void) {
    this.#transport = transport;
    this.#clock = clock;
    this.#on = on;
    this.#defer = defer;
    this.#backoff = new Backoff(clock, FIRST_RETRY_MS, LONGEST_RETRY_MS);
    this.#openLater();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get canSend(): boolean {
    return this.#isOpen && this.#request === undefined;
  }

  /** Sends commands as one request; `canSend` must be true. */
  async send(commands: Command[]): Promise<void> {
    const request = new AbortController();
    this.#request = request;
    let settle: () => void;
    try {
      const replies = await this.#transport.execute(commands, request.signal);
      if (!Array.isArray(replies)) throw new Error('it returned no array of replies');
      settle = () => this.#receive(replies);
    } catch (error) {
      settle = () => this.#fail(connectionError(error));
    }
    this.#defer(() => {
      if (request !== this.#request) return;
      this.#request = undefined;
      settle();
    });
  }

  /** Gives up the request under way, if there is one. */
  abort(reason: string): void {
    const request = this.#request;
    if (request === undefined) return;
    this.#request = undefined;
    this.#fail(connectionError(reason));
    request.abort();
  }

  close(): void {
    this.#isOpen = false;
    this.#cancelRetry();
    this.#request?.abort();
    this.#request = undefined;
  }

  #openLater(): void {
    this.#defer(() => {
      this.#isOpen = true;
      this.#on.connected();
    });
  }

  #receive(replies: Reply[]): void {
    try {
      this.#on.replies(replies);
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      this.#fail(error);
      return;
    }
    this.#backoff.reset();
    if (this.#failure !== undefined) this.#on.recovered();
    this.#failure = undefined;
  }

  #fail(error: ConnectionError): void {
    this.#isOpen = false;
    if (this.#failure !== error.code) {
      this.#failure = error.code;
      this.#on.disconnected(error);
    }
    const waitMs = isLasting(error.code) ? LONGEST_RETRY_MS * (1 - this.#clock.random() / 2) : this.#backoff.next();
    this.#cancelRetry = this.#clock.after(waitMs, () => this.#openLater());
  }
}

/** The error that a transport rejected with. */
function connectionError(error: unknown): ConnectionError {
  const message = excerpt(error instanceof Error ? error.message : String(error));
  const code = knownCode(error);
  if (code !== undefined) return { code, message };
  return { code: 'ERR_UNREACHABLE', message: `the transport failed: ${message}; trying again` };
}

/** Codes of a runtime's own TLS, of errors and of their causes. */
const CERTIFICATE_REFUSED = /^(CERT_|UNABLE_TO_(GET|VERIFY)|(DEPTH_ZERO_)?SELF_SIGNED|ERR_TLS_CERT)/;
const TLS_FAILED = /^ERR_SSL_/;

/** The code of an error that says more than that the server cannot be reached; undefined for any other. */
function knownCode(error: unknown): ConnectionErrorCode | undefined {
  const { code, cause } = Object(error) as { code?: unknown; cause?: unknown };
  if (isLasting(code) || code === 'ERR_BUSY') return code as ConnectionErrorCode;
  if (CERTIFICATE_REFUSED.test(String(code))) return 'ERR_CERTIFICATE';
  if (TLS_FAILED.test(String(code))) return 'ERR_TLS';
  return cause === undefined ? undefined : knownCode(cause);
}

function isConnectionError(error: unknown): error is ConnectionError {
  const { code } = error as { code?: unknown };
  return isPassing(code) || isLasting(code);
}
