/** What the core reports; crates/core/src/wire/events.rs writes it. */
export type CoreEvent =
  | ['load', name: string, revision: string | null, bytes: number, value: unknown]
  | ['patch', name: string, revision: string | null, bytes: number, mutations: unknown[][]]
  | ['gone', name: string]
  | ['unreadable', name: string, code: string, message: string]
  | ['ack', name: string, revision: string | null, bytes: number]
  | ['settled', number: number]
  | ['rejected', name: string, code: string, message: string, number: number]
  | ['conflict', name: string, kind: string, path: (string | number)[], message: string]
  | ['regression', name: string, from: string, to: string]
  | ['connect']
  | ['disconnect', code: string, message: string]
  | ['ready']
  | ['refreshed', ticket: number]
  | ['replicated', request: number, count: number, code?: string, message?: string]
  | ['error', name: null, code: string, message: string];
