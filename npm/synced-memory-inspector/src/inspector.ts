import { Editor } from './edit/editor.js';
import { EventStreams } from './events/event-stream.js';
import { Recorder } from './events/recorder.js';
import { RequestFailure } from './failure.js';
import { checkOrigin, readJson } from './http/check-request.js';
import { parseRequest } from './http/parse-request.js';
import { errorResponse, jsonResponse, pageResponse, streamResponse } from './http/respond.js';
import type { InspectedMemory } from './inspected-memory.js';
import { printValue } from './print-value.js';
import { type Hello, MAX_TEXT, type PageRequest, type RowsReply, type RowsRequest } from './protocol.js';
import { readCommits, readTextAt, restoreRevision } from './read-history.js';
import { StatusReader } from './read-status.js';
import { AttributeReader } from './tree/attribute-reader.js';
import { attributeLevel } from './tree/attribute-rows.js';
import { findValue } from './tree/find-value.js';
import { searchValues } from './tree/search-values.js';
import { openTree, RowCollector } from './tree/tree-rows.js';

/** The longest body of a request, in bytes: an edit has the text before and after. */
const MAX_BODY = 4_000_000;

/** Options of {@link inspector}. */
export interface InspectorOptions {
  /**
   * Decides who may see the memory; called with every request. The handler answers 401 where it returns false, or resolves to
   * it, or throws.
   */
  authorize(request: Request): boolean | Promise<boolean>;
  /** Whether the page can change values. Default: false. */
  write?: boolean;
  /**
   * Origins of the page besides that of the request, such as `https://admin.example.com`, for a proxy that changes the request's
   * `Host`. Default: none.
   */
  origins?: readonly string[];
}

/** Answers the requests of a page. */
export type RequestHandler = (request: Request) => Promise<Response>;

/**
 * Makes a handler that serves a page which shows the memory: mount it at any path, for GET and POST. Conflicts, errors and
 * regressions are recorded from now on, changes while a page is open. Throws a TypeError for wrong arguments.
 */
export function inspector(memory: InspectedMemory, options: InspectorOptions): RequestHandler {
  if (typeof Object(memory).$snapshot !== 'function') throw new TypeError('inspector(memory, …): not an open memory');
  if (typeof options?.authorize !== 'function') {
    const remedy = 'authorize: (request) => isAdmin(request.headers.get("cookie"))';
    throw new TypeError(`inspector: the page shows everything; say who may see it, as in { ${remedy} }`);
  }
  const { authorize, write = false, origins = [] } = options;
  const inspection = new Inspection(memory, write);
  return async (request) => {
    try {
      if (!(await isAuthorized(authorize, request))) {
        throw new RequestFailure(401, 'ERR_UNAUTHORIZED', 'not authorized; open the page by its whole URL, or log in');
      }
      checkOrigin(request, origins);
      if (request.method === 'GET' || request.method === 'HEAD') return pageResponse();
      if (request.method !== 'POST') throw new RequestFailure(405, 'ERR_REQUEST', 'send GET or POST');
      return await inspection.answer(parseRequest(await readJson(request, MAX_BODY)), request.signal);
    } catch (error) {
      return errorResponse(error);
    }
  };
}

async function isAuthorized(authorize: InspectorOptions['authorize'], request: Request): Promise<boolean> {
  try {
    return (await authorize(request)) === true;
  } catch {
    return false;
  }
}

/** The state that all pages of one handler share. */
class Inspection {
  readonly #memory: InspectedMemory;
  readonly #canWrite: boolean;
  readonly #instance = crypto.randomUUID();
  readonly #status: StatusReader;
  readonly #reader: AttributeReader;
  readonly #recorder: Recorder;
  readonly #streams: EventStreams;
  readonly #editor: Editor;
  #names: { readonly key: string; readonly names: readonly string[] } | undefined;

  constructor(memory: InspectedMemory, canWrite: boolean) {
    this.#memory = memory;
    this.#canWrite = canWrite;
    const notify = () => this.#streams.notify();
    this.#status = new StatusReader(memory);
    this.#reader = new AttributeReader(memory, this.#status, notify);
    this.#recorder = new Recorder(memory, {
      onNews: notify,
      onDelete: (name) => this.#reader.forget(name),
      onIncident: () => this.#status.expire(),
    });
    this.#editor = new Editor(memory);
    const recorder = this.#recorder;
    this.#streams = new EventStreams({
      hello: () => this.#hello(),
      status: () => this.#status.forPage(),
      lastChange: () => recorder.changes.last,
      incidentsFrom: (number) => recorder.incidents.after(number - 1),
      endSecond: () => {
        this.#status.expire();
        return recorder.rates.endSecond();
      },
      addPage: () => recorder.addPage(),
    });
  }

  async answer(request: PageRequest, signal: AbortSignal): Promise<Response> {
    switch (request.op) {
      case 'events':
        return streamResponse(this.#streams.open());
      case 'rows':
        return jsonResponse(this.#rows(request));
      case 'text':
        return jsonResponse(printValue(findValue(this.#memory, request.path), MAX_TEXT, true));
      case 'search':
        return jsonResponse(await searchValues(this.#reader, request.text, signal));
      case 'changes':
        return jsonResponse(this.#recorder.changes.find(request));
      case 'writers':
        return jsonResponse((await this.#memory.$writers?.()) ?? []);
      case 'history':
        return jsonResponse(await readCommits(this.#memory, request.name));
      case 'at':
        return jsonResponse(await readTextAt(this.#memory, request));
      case 'restore':
        this.#checkWritable();
        await restoreRevision(this.#memory, request);
        return jsonResponse({});
      case 'edit':
        this.#checkWritable();
        return jsonResponse(await this.#editor.edit(request));
      case 'undo':
        this.#checkWritable();
        return jsonResponse(await this.#editor.undo(request));
    }
  }

  #checkWritable(): void {
    if (!this.#canWrite)
      throw new RequestFailure(403, 'ERR_READ_ONLY', 'this inspector only reads; start it with write');
  }

  #hello(): Hello {
    return {
      type: 'hello',
      instance: this.#instance,
      canWrite: this.#canWrite,
      hasWriters: typeof this.#memory.$writers === 'function',
      hasHistory: typeof this.#memory.$history === 'function',
      status: this.#status.forPage(),
      incidents: this.#recorder.incidents.after(0),
      points: this.#recorder.rates.points,
    };
  }

  #rows({ filter, open, from, count, seek }: RowsRequest): RowsReply {
    const { names, incomplete } = this.#allNames();
    const sought = filter.toLowerCase();
    const selected = sought === '' ? names : names.filter((name) => name.toLowerCase().includes(sought));
    const collector = new RowCollector(from, count, seek);
    collector.add(attributeLevel(selected, openTree(open), this.#memory, this.#reader, this.#recorder));
    const { total, rows, sought: row } = collector;
    return {
      total,
      names: names.length,
      selected: selected.length,
      from,
      rows,
      ...(row !== undefined && { sought: row }),
      ...(incomplete !== undefined && { incomplete }),
    };
  }

  /** The sorted names of all attributes, and why they are not all, if so. */
  #allNames(): { names: readonly string[]; incomplete?: string } {
    const key = `${this.#recorder.namesVersion} ${this.#status.read().unreadable.length}`;
    if (this.#recorder.isRecording && this.#names?.key === key) return this.#names;
    try {
      const names = this.#reader.names();
      this.#names = { key, names };
      return { names };
    } catch (error) {
      return { names: this.#names?.names ?? [], incomplete: (error as Error).message };
    }
  }
}
