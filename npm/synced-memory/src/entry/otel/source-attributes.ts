import type { Attributes } from '@opentelemetry/api';
import type { TraceSource } from '../../base/traces.js';

const systems = { redis: 'redis', file: 'sqlite', memory: 'synced_memory' } as const;

/** The attributes of every span and metric, by the semantic conventions for databases. */
export function sourceAttributes({ backend, address, port, database }: TraceSource, operation: string): Attributes {
  return {
    'db.system.name': systems[backend],
    'db.operation.name': operation,
    ...(address !== undefined && { 'server.address': address }),
    ...(port !== undefined && { 'server.port': port }),
    ...(database !== undefined && { 'db.namespace': String(database) }),
  };
}

/** The attribute that names an attribute of a memory: by its key. */
export function collection({ prefix }: TraceSource, attribute: string | undefined): Attributes {
  return attribute === undefined ? {} : { 'db.collection.name': `${prefix}${attribute}` };
}

/** The attribute that names the kind of an error: by its code. */
export function errorType(error: unknown): Attributes {
  return error === undefined ? {} : { 'error.type': String((error as { code?: unknown } | null)?.code ?? '_OTHER') };
}
