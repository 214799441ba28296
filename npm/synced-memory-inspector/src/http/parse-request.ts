import { RequestFailure } from '../failure.js';
import type { PageRequest, ValuePath } from '../protocol.js';

const MAX_OPEN = 1000;
const MAX_ROWS = 500;
const MAX_DEPTH = 600;

/** Checks what a page sent. Throws where it is not a request. */
export function parseRequest(body: unknown): PageRequest {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  switch (fields.op) {
    case 'events':
    case 'writers':
      return { op: fields.op };
    case 'rows': {
      const open = list(fields.open ?? [], 'open')
        .slice(0, MAX_OPEN)
        .map(path);
      const count = Math.min(whole(fields.count, 'count'), MAX_ROWS);
      const filter = text(fields.filter ?? '', 'filter');
      const seek = fields.seek === undefined ? {} : { seek: path(fields.seek) };
      return { op: 'rows', filter, open, from: whole(fields.from, 'from'), count, ...seek };
    }
    case 'text':
      return { op: 'text', path: path(fields.path) };
    case 'search':
      return { op: 'search', text: text(fields.text, 'text') };
    case 'changes': {
      const before = fields.before === undefined ? {} : { before: whole(fields.before, 'before') };
      const filter = text(fields.filter ?? '', 'filter');
      return { op: 'changes', filter, count: whole(fields.count, 'count'), ...before };
    }
    case 'edit': {
      const { action } = fields;
      if (action !== 'set' && action !== 'append' && action !== 'delete') throw wrong('action');
      const json = action === 'delete' ? {} : { json: text(fields.json, 'json') };
      const expected = fields.expected === undefined ? {} : { expected: text(fields.expected, 'expected') };
      return { op: 'edit', path: path(fields.path), action, ...json, ...expected };
    }
    case 'history':
      return { op: 'history', name: text(fields.name, 'name') };
    case 'at':
    case 'restore':
      return { op: fields.op, name: text(fields.name, 'name'), revision: digits(fields.revision, 'revision') };
    case 'undo':
      return { op: 'undo', edit: text(fields.edit, 'edit') };
    default:
      throw wrong('op');
  }
}

const wrong = (field: string) => new RequestFailure(400, 'ERR_REQUEST', `the request's "${field}" is missing or wrong`);

function text(value: unknown, field: string): string {
  if (typeof value !== 'string') throw wrong(field);
  return value;
}

function digits(value: unknown, field: string): string {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) throw wrong(field);
  return value;
}

function whole(value: unknown, field: string): number {
  if (!(Number.isSafeInteger(value) && (value as number) >= 0)) throw wrong(field);
  return value as number;
}

function list(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw wrong(field);
  return value;
}

function path(value: unknown): ValuePath {
  const keys = list(value, 'path');
  const isKey = (key: unknown) => typeof key === 'string' || (Number.isSafeInteger(key) && (key as number) >= 0);
  if (!(keys.length > 0 && keys.length <= MAX_DEPTH && typeof keys[0] === 'string' && keys.every(isKey))) {
    throw wrong('path');
  }
  return keys as (string | number)[];
}
