import type { ServerUrl } from '../server/find-servers.js';
import type { ServerConnection } from '../server/server-connection.js';
import type { Target } from '../target.js';

/** A finding about the backend. */
export interface Check {
  /** The subject, in one or two words. */
  readonly name: string;
  /** `unknown` where the server does not let this user see it. */
  readonly state: 'ok' | 'warning' | 'failed' | 'unknown';
  readonly text: string;
  /** The command or the setting that helps. */
  readonly remedy?: string;
}

/** The backend as checks see it. */
export interface Examined {
  readonly target: Target;
  readonly url: ServerUrl;
  /** The server, or one master of the cluster. */
  readonly server: ServerConnection;
  /** Every server that accepts writes. */
  readonly masters: readonly ServerConnection[];
  /** The fields of INFO; undefined where the user may not read it. */
  readonly info: ReadonlyMap<string, string> | undefined;
  /** The longest wait for an answer, in milliseconds. */
  readonly timeout: number;
}
